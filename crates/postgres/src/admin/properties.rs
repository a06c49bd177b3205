//! What belongs to a database and not to what is in it.

use serde::Deserialize;

use super::AdminError;
use super::quote::Statement;
use super::way::Way;

/// The properties that can only be given when a database is made.
#[derive(Debug, Deserialize)]
struct Making {
    owner: String,
    encoding: String,
    collate: String,
    ctype: String,
    tablespace: String,
    /// `c` libc, `i` ICU, `b` builtin; none before Postgres 15.
    provider: Option<String>,
    /// The locale of ICU or builtin.
    locale: Option<String>,
    /// Rules of ICU, from Postgres 16 on.
    rules: Option<String>,
}

/// Makes an empty database that is like another one.
pub(crate) async fn create_like(way: &Way, name: &str, like: &str) -> Result<(), AdminError> {
    // The names of the locale's columns differ between 15, 16 and 17.
    let sql = "select jsonb_build_object('owner', pg_get_userbyid(d.datdba), \
                   'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate::text, \
                   'ctype', d.datctype::text, 'tablespace', t.spcname, 'provider', j ->> 'datlocprovider', \
                   'locale', coalesce(j ->> 'datlocale', j ->> 'daticulocale'), 'rules', j ->> 'daticurules') \
               from pg_database d join pg_tablespace t on t.oid = d.dattablespace, to_jsonb(d) as j \
               where d.datname = :'like'";
    let found: Vec<Making> = way
        .ask(
            &format!("read the properties of database {like}"),
            &Statement {
                sql,
                values: &[("like", like)],
            },
        )
        .await?;
    let Some(making) = found.into_iter().next() else {
        return Err(AdminError::Missing {
            name: like.to_owned(),
        });
    };
    let mut sql = "create database :\"name\" with template template0 owner :\"owner\" encoding :'encoding' \
                   lc_collate :'collate' lc_ctype :'ctype'"
        .to_owned();
    // Naming the usual tablespace takes a right that an ordinary role lacks; leaving it out does not.
    if making.tablespace != "pg_default" {
        sql.push_str(" tablespace :\"tablespace\"");
    }
    match (making.provider.as_deref(), &making.locale) {
        (Some("i"), Some(_)) => sql.push_str(" locale_provider icu icu_locale :'locale'"),
        (Some("b"), Some(_)) => sql.push_str(" locale_provider builtin builtin_locale :'locale'"),
        _ => {}
    }
    if making.rules.is_some() {
        sql.push_str(" icu_rules :'rules'");
    }
    let locale = making.locale.unwrap_or_default();
    let rules = making.rules.unwrap_or_default();
    let values = [
        ("name", name),
        ("owner", making.owner.as_str()),
        ("encoding", making.encoding.as_str()),
        ("collate", making.collate.as_str()),
        ("ctype", making.ctype.as_str()),
        ("tablespace", making.tablespace.as_str()),
        ("locale", locale.as_str()),
        ("rules", rules.as_str()),
    ];
    way.run(
        &format!("create database {name}"),
        &Statement {
            sql: &sql,
            values: &values,
        },
        false,
    )
    .await
    .map(drop)
}

/// The properties that can be given at any time.
#[derive(Debug, Deserialize)]
struct Later {
    limit: i64,
    comment: Option<String>,
    settings: Vec<Setting>,
    /// `None`: the privileges were never touched.
    privileges: Option<Vec<Privilege>>,
}

#[derive(Debug, Deserialize)]
struct Setting {
    /// The role it is for; `None` for all.
    role: Option<String>,
    /// `name=value`.
    setting: String,
}

#[derive(Debug, Deserialize)]
struct Privilege {
    /// `None` is everybody.
    grantee: Option<String>,
    privilege: String,
    grantable: bool,
}

/// Copies settings, privileges, connection limit and comment.
pub(crate) async fn copy(way: &Way, from: &str, to: &str) -> Result<(), AdminError> {
    let later = read(way, from).await?;
    let doing = format!("give database {to} what database {from} has");
    // A number of ours, not text of anybody's.
    let sql = format!("alter database :\"to\" with connection limit {}", later.limit);
    way.run(
        &doing,
        &Statement {
            sql: &sql,
            values: &[("to", to)],
        },
        false,
    )
    .await?;
    let comment = later.comment.unwrap_or_default();
    let sql = if comment.is_empty() {
        "comment on database :\"to\" is null"
    } else {
        "comment on database :\"to\" is :'comment'"
    };
    way.run(
        &doing,
        &Statement {
            sql,
            values: &[("to", to), ("comment", &comment)],
        },
        false,
    )
    .await?;
    for setting in &later.settings {
        let (name, value) = setting.setting.split_once('=').unwrap_or((&setting.setting, ""));
        // FROM CURRENT writes the value as the server itself would: a list stays a list.
        let sql = if setting.role.is_some() {
            "select set_config(:'name', :'value', true); \
             alter role :\"role\" in database :\"to\" set :\"name\" from current"
        } else {
            "select set_config(:'name', :'value', true); alter database :\"to\" set :\"name\" from current"
        };
        let role = setting.role.as_deref().unwrap_or_default();
        let values = [("name", name), ("value", value), ("to", to), ("role", role)];
        way.run(
            &format!("{doing} (setting {name})"),
            &Statement { sql, values: &values },
            true,
        )
        .await?;
    }
    let Some(privileges) = &later.privileges else {
        return Ok(());
    };
    let sql = "revoke all on database :\"to\" from public";
    way.run(
        &doing,
        &Statement {
            sql,
            values: &[("to", to)],
        },
        false,
    )
    .await?;
    for Privilege {
        grantee,
        privilege,
        grantable,
    } in privileges
    {
        let privilege = match privilege.as_str() {
            "CREATE" => "create",
            "CONNECT" => "connect",
            "TEMPORARY" => "temporary",
            _ => return Err(AdminError::Answer { doing }),
        };
        let whom = if grantee.is_some() {
            ":\"grantee\""
        } else {
            "public"
        };
        let option = if *grantable { " with grant option" } else { "" };
        let sql = format!("grant {privilege} on database :\"to\" to {whom}{option}");
        let values = [("to", to), ("grantee", grantee.as_deref().unwrap_or_default())];
        way.run(
            &doing,
            &Statement {
                sql: &sql,
                values: &values,
            },
            false,
        )
        .await?;
    }
    Ok(())
}

async fn read(way: &Way, from: &str) -> Result<Later, AdminError> {
    let sql = "select jsonb_build_object('limit', d.datconnlimit, 'comment', shobj_description(d.oid, 'pg_database'), \
            'settings', coalesce((select jsonb_agg(jsonb_build_object('role', \
                 case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end, 'setting', entry)) \
               from pg_db_role_setting s cross join unnest(s.setconfig) as entry where s.setdatabase = d.oid), '[]'::jsonb), \
            'privileges', case when d.datacl is not null then coalesce((select jsonb_agg(jsonb_build_object( \
                 'grantee', case when a.grantee <> 0 then pg_get_userbyid(a.grantee) end, \
                 'privilege', a.privilege_type, 'grantable', a.is_grantable)) \
               from aclexplode(d.datacl) a), '[]'::jsonb) end) \
        from pg_database d where d.datname = :'from'";
    let doing = format!("read the properties of database {from}");
    let found: Vec<Later> = way
        .ask(
            &doing,
            &Statement {
                sql,
                values: &[("from", from)],
            },
        )
        .await?;
    found.into_iter().next().ok_or_else(|| AdminError::Missing {
        name: from.to_owned(),
    })
}
