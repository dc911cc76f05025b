-- Who may read which accounts: row security for tenants.

-- Names, not references: a role belongs to the server and not to the database,
-- and a backup is restored where roles may be others.
create table agora.account_reader (
    account_id  text  not null check (account_id = '*' or account_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    role_name   text  not null,
    primary key (account_id, role_name)
);

comment on table agora.account_reader is
    'Roles that may read, and which accounts each of them sees. Written by migrate --grant-reader. A role that is not listed sees no row of any table, whatever was granted to it, but for the owner of the tables and members of pg_read_all_data.';
comment on column agora.account_reader.account_id is 'Account that the role sees; *: every account, and what belongs to none.';
comment on column agora.account_reader.role_name is
    'Role of the database server; its members see what it sees. public: every role.';

-- With the rights of its owner, since the policies below ask it what may be seen;
-- a barrier, so that no function of the asking role meets the other names.
create view agora.readable_account with (security_barrier = true) as
with mine as materialized (
    select distinct r.account_id
    from agora.account_reader as r
    -- Null for a role that is gone, so that it lets nobody in.
    where r.role_name = 'public' or pg_has_role(to_regrole(quote_ident(r.role_name)), 'usage')
)

select a.account_id
from agora.account as a
where
    exists (select from mine as m where m.account_id in (a.account_id, '*'))
    or pg_has_role('pg_read_all_data', 'usage');

comment on view agora.readable_account is
    'Accounts whose rows the asking role sees, by account_reader. The one view with the rights of its owner: the policies of all tables ask it.';
comment on column agora.readable_account.account_id is 'Account whose rows the asking role sees.';

-- Called after each migration, so that what a later one creates is covered too:
-- a table without a policy would show nothing, and a view with the rights of its
-- owner everything. Changes nothing where all is in place.
create function agora.secure_rows() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation record;
    -- Roles that see every account, as policies name them.
    wide_roles text;
    wide_role_ids oid[];
begin
    select
        string_agg(case when r.oid is null then 'public' else quote_ident(r.rolname) end, ', ' order by r.rolname),
        array_agg(coalesce(r.oid, 0) order by coalesce(r.oid, 0))
    into wide_roles, wide_role_ids
    from (
        select a.role_name from agora.account_reader as a where a.account_id = '*'
        union
        select 'pg_read_all_data'
    ) as wide
    left join pg_roles as r on r.rolname = wide.role_name
    where r.oid is not null or wide.role_name = 'public';

    for relation in
        select
            c.oid,
            format('agora.%I', c.relname) as quoted,
            c.relkind,
            c.relispartition as is_partition,
            c.relrowsecurity as is_secured,
            'security_invoker=true' = any(coalesce(c.reloptions, '{}')) as is_invoker,
            exists (
                select from pg_attribute as a
                where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped
            ) as is_by_account,
            (
                select array_agg(p.polname) from pg_policy as p where p.polrelid = c.oid
            ) as policies,
            (
                select array(select unnest(p.polroles) order by 1)
                from pg_policy as p
                where p.polrelid = c.oid and p.polname = 'every_account'
            ) as policy_role_ids
        from pg_class as c
        where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v')
        order by c.relname
    loop
        if relation.relkind = 'v' then
            if not relation.is_invoker and relation.oid <> 'agora.readable_account'::regclass then
                execute format('alter view %s set (security_invoker = true)', relation.quoted);
            end if;
            continue;
        end if;
        -- The owner is not bound by it, so that writing costs nothing more.
        if not relation.is_secured then
            execute format('alter table %s enable row level security', relation.quoted);
        end if;
        -- Partitions are read through their table; without a policy they show nothing.
        if relation.is_partition then
            continue;
        end if;
        if relation.is_by_account and not 'by_account' = any(coalesce(relation.policies, '{}')) then
            execute format(
                'create policy by_account on %s '
                'using (account_id = any(array(select r.account_id from agora.readable_account as r)))',
                relation.quoted
            );
        end if;
        if relation.policy_role_ids is null then
            execute format('create policy every_account on %s to %s using (true)', relation.quoted, wide_roles);
        elsif relation.policy_role_ids <> wide_role_ids then
            execute format('alter policy every_account on %s to %s', relation.quoted, wide_roles);
        end if;
    end loop;
end
$$;

comment on function agora.secure_rows() is
    'Gives every table of the schema its policies, and every view the rights of the asking role.';

revoke all on function agora.secure_rows() from public;

-- Roles that could read before this see every account as before.
insert into agora.account_reader (account_id, role_name)
select distinct
    '*',
    case when g.grantee = 0 then 'public' else pg_get_userbyid(g.grantee) end
from pg_class as c
cross join lateral aclexplode(c.relacl) as g
where
    c.relnamespace = 'agora'::regnamespace
    and c.relkind in ('r', 'p', 'v')
    and c.relname not in ('account_reader', 'readable_account')
    and g.grantee <> c.relowner;

select agora.secure_rows();

-- Every policy asks it, so whoever may see the schema may ask it too.
grant select on agora.readable_account to public;
