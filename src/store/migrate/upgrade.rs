//! Databases of earlier versions, brought up to date.

use super::*;
use crate::store::occupancy::testing::TestDatabase;

/// A version came out with 1 to 11 and 21 to 24; those between came later.
fn was_out_before_the_bills(version: i64) -> bool {
    matches!(version, 1..=11 | 21..=24)
}

/// Everything that can be told of the schema, in an order of its own. Not the
/// order of columns, which is that in which migrations added them.
const SCHEMA: [&str; 5] = [
    "select concat_ws(' ', c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), \
     a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) \
     from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 \
     left join pg_attrdef as d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum) \
     where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v') \
     and not a.attisdropped and not c.relispartition order by 1",
    "select concat_ws(' ', c.relname, c.relrowsecurity, c.reloptions, obj_description(c.oid), \
     case when c.relkind = 'v' then pg_get_viewdef(c.oid) end) from pg_class as c \
     where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v') \
     and not c.relispartition order by 1",
    "select concat_ws(' ', p.polrelid::regclass, p.polname, p.polcmd, p.polroles::regrole[], \
     pg_get_expr(p.polqual, p.polrelid)) from pg_policy as p order by 1",
    "select concat_ws(' ', t.tgrelid::regclass, pg_get_triggerdef(t.oid)) from pg_trigger as t \
     where not t.tgisinternal order by 1",
    "select concat_ws(' ', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid)) \
     from pg_constraint as o where o.connamespace = 'agora'::regnamespace \
     union all select i.indexdef from pg_indexes as i where i.schemaname = 'agora' order by 1",
];

async fn schema(database: &TestDatabase) -> Vec<Vec<String>> {
    let mut schema = Vec::new();
    for part in SCHEMA {
        schema.push(database.ask(part).await);
    }
    schema
}

#[tokio::test]
async fn c40_a_database_that_lacks_migrations_between_others_becomes_as_a_new_one() {
    let database = TestDatabase::new().await;
    let fresh = schema(&database).await;
    assert!(fresh.iter().all(|part| part.len() > 10), "{fresh:?}");
    let pool = database.store.pool();
    remove_everything(pool).await.expect("emptied");
    migrate_those(pool, was_out_before_the_bills).await.expect("the older version");
    assert_ne!(schema(&database).await, fresh);
    database
        .run(
            "insert into agora.account (account_id, first_seen_at) values ('default', now()); \
             insert into agora.account_reader values ('*', 'public')",
        )
        .await;
    migrate(pool).await.expect("up to date");
    database.run("delete from agora.account_reader; select agora.secure_rows()").await;
    let upgraded = schema(&database).await;
    for (upgraded, fresh) in upgraded.iter().zip(&fresh) {
        let differs = upgraded.iter().zip(fresh).find(|(upgraded, fresh)| upgraded != fresh);
        assert_eq!(differs, None);
        assert_eq!(upgraded.len(), fresh.len());
    }
    assert_eq!(database.ask("select account_id from agora.account").await, ["default"]);
    database.close().await;
}
