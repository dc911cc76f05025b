//! Tables `account` and `project`.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use super::error::StoreError;
use super::storable_text;
use crate::domain::{AccountId, AppId, Project, ProjectId, ProjectStatus};
use crate::store::statement::{alone, begin_transaction, query, query_as};

/// Makes sure that the account has a row.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn ensure_account(
    pool: &PgPool,
    account: &AccountId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.account (account_id, first_seen_at) values ($1, $2) \
         on conflict (account_id) do nothing",
    )
    .bind(account.as_str())
    .bind(now)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing account"))?;
    Ok(())
}

/// What a reading of the project list changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectsWritten {
    /// Projects in the list.
    pub listed: u64,
    /// Projects that were once listed and now are not.
    pub newly_deleted: u64,
}

/// Stores the whole list; projects that it lacks are marked as deleted, never removed.
///
/// # Errors
/// [`StoreError`] when the database does not answer; nothing is stored then.
pub async fn write_list(
    pool: &PgPool,
    account: &AccountId,
    projects: &[Project],
    listed_at: DateTime<Utc>,
) -> Result<ProjectsWritten, StoreError> {
    let failed = || StoreError::during("writing project");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let ids: Vec<&str> = projects.iter().map(|p| p.project_id.as_str()).collect();
    let names: Vec<String> = projects.iter().map(|p| storable_text(&p.name).into_owned()).collect();
    let recording_servers: Vec<_> =
        projects.iter().map(|p| p.recording_server.as_deref().map(storable_text)).collect();
    let app_ids: Vec<Option<&str>> =
        projects.iter().map(|p| p.app_id.as_ref().map(AppId::as_str)).collect();
    let listed = query(include_str!("sql/write_projects.sql"))
        .bind(account.as_str())
        .bind(&ids)
        .bind(names)
        .bind(app_ids)
        .bind(projects.iter().map(|p| p.status.name()).collect::<Vec<_>>())
        .bind(projects.iter().map(|p| p.created_at).collect::<Vec<_>>())
        .bind(projects.iter().map(|p| p.has_certificate).collect::<Vec<_>>())
        .bind(recording_servers)
        .bind(listed_at)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    let deleted = query(include_str!("sql/mark_deleted_projects.sql"))
        .bind(account.as_str())
        .bind(&ids)
        .bind(listed_at)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(ProjectsWritten { listed: listed.rows_affected(), newly_deleted: deleted.rows_affected() })
}

/// Adds projects that are known from usage alone; returns how many were new.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn add_unlisted(
    pool: &PgPool,
    account: &AccountId,
    project_ids: &[ProjectId],
    seen_at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let ids: Vec<&str> = project_ids.iter().map(ProjectId::as_str).collect();
    let added = query(
        "insert into agora.project \
         (account_id, project_id, project_name, status, has_certificate, first_seen_at) \
         select $1, project_id, '', 'unknown', false, $3 from unnest($2::text[]) as r (project_id) \
         order by project_id on conflict (account_id, project_id) do nothing",
    )
    .bind(account.as_str())
    .bind(ids)
    .bind(seen_at)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing project"))?;
    Ok(added.rows_affected())
}

/// A project with when it was found to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProject {
    /// The project as last listed.
    pub project: Project,
    /// When the list first lacked it.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When the project was first seen.
    pub first_seen_at: DateTime<Utc>,
}

impl StoredProject {
    /// The project as it was known at a time; none where it had not been seen.
    ///
    /// Its name is the one last listed, since earlier names are not kept. One
    /// that was deleted later is taken for active.
    #[must_use]
    pub fn as_known_by(mut self, time: DateTime<Utc>) -> Option<Self> {
        if self.deleted_at.is_some_and(|deleted_at| deleted_at > time) {
            self.deleted_at = None;
            self.project.status = ProjectStatus::Active;
        }
        Some(self).filter(|stored| stored.first_seen_at <= time)
    }
}

#[derive(sqlx::FromRow)]
struct ProjectRow {
    project_id: String,
    project_name: String,
    app_id: Option<String>,
    status: String,
    created_at: Option<DateTime<Utc>>,
    has_certificate: bool,
    recording_server: Option<String>,
    deleted_at: Option<DateTime<Utc>>,
    first_seen_at: DateTime<Utc>,
}

impl ProjectRow {
    fn into_project(self) -> Result<StoredProject, StoreError> {
        let unknown = |value: String| StoreError::UnknownValue { table: "agora.project", value };
        let app_id = self.app_id.as_deref().map(AppId::new).transpose();
        let project = Project {
            project_id: ProjectId::new(&self.project_id)
                .map_err(|error| unknown(error.to_string()))?,
            name: self.project_name.clone(),
            app_id: app_id.map_err(|error| unknown(error.to_string()))?,
            status: ProjectStatus::from_name(&self.status)
                .ok_or_else(|| unknown(self.status.clone()))?,
            created_at: self.created_at,
            has_certificate: self.has_certificate,
            recording_server: self.recording_server.clone(),
        };
        let Self { deleted_at, first_seen_at, .. } = self;
        Ok(StoredProject { project, deleted_at, first_seen_at })
    }
}

/// Every project once seen, by the bytes of its id.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read_all(
    pool: &PgPool,
    account: &AccountId,
) -> Result<Vec<StoredProject>, StoreError> {
    let rows: Vec<ProjectRow> = query_as(
        "select project_id, project_name, app_id, status, created_at, has_certificate, \
         recording_server, deleted_at, first_seen_at \
         from agora.project where account_id = $1 order by project_id collate \"C\"",
    )
    .bind(account.as_str())
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading project"))?;
    rows.into_iter().map(ProjectRow::into_project).collect()
}
