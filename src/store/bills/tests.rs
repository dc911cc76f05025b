use crate::store::migrate::migrate_to;
use crate::store::occupancy::testing::TestDatabase;
use crate::store::statement::{alone, query_as};
use crate::store::{DatabaseAddress, Store};

#[tokio::test]
async fn drafts_from_before_ranges_and_charges_survive_the_migration() {
    let database = TestDatabase::new().await;
    database.run("create database old").await;
    let url = database.store.cluster().expect("private").connection_url("old");
    let old = Store::open_as_it_is(&DatabaseAddress::Given(url.into()), 2).await;
    let old = old.expect("opened");
    migrate_to(old.pool(), 10).await.expect("migrated");
    let rows = "insert into agora.account values ('default', now()); \
        insert into agora.bill values ('default', '2031-03-01', 0, 'complete', 'USD', 2, \
            101, 101.00, 0, 'tiered-usd', 'x', now()); \
        insert into agora.bill_line values \
            ('default', '2031-03-01', 0, 'rtc', 'audio', 1, 60, 1, 0, 1, 0.99, 0.00099), \
            ('default', '2031-03-01', 0, 'rtc', 'audio', 2, null, 1, 0, 1, 0.94, 0.00094)";
    sqlx::raw_sql(rows).execute(old.pool()).await.expect("filled");
    migrate_to(old.pool(), 11).await.expect("migrated");
    let question = "select count(*), count(*) filter (where l.kind = 'usage'), \
                    min(b.assumptions::text), bool_and(b.total_low is null) \
                    from agora.bill as b join agora.bill_line as l \
                    using (account_id, month, revision)";
    let found: (i64, i64, String, bool) =
        query_as(question).fetch_one(alone(old.pool())).await.expect("answered");
    assert_eq!(found, (2, 2, "[]".to_owned(), true));
    old.close().await;
    database.close().await;
}
