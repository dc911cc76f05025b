//! The user that the server runs as.
//!
//! Owns the choice of that user and the check that the user can reach a
//! folder. PostgreSQL refuses to run as root, so root hands it to `postgres`,
//! else `nobody`: always a user that exists, as PostgreSQL looks its own name up.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::ClusterError;

const PASSWD: &str = "/etc/passwd";

/// Who runs the server and owns its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUser {
    name: String,
    uid: u32,
    gid: u32,
    /// Whether this process is root and hands its commands to that user.
    is_other: bool,
}

impl ServerUser {
    /// The user for the cluster in `cluster_folder`, which may not exist yet.
    ///
    /// An existing cluster keeps its owner, so that a package installed later,
    /// which brings the user `postgres`, does not lock an older cluster out.
    ///
    /// # Errors
    /// A folder of somebody else, or no user for root to hand the server to.
    pub(super) fn for_cluster(cluster_folder: &Path) -> Result<Self, ClusterError> {
        let own_uid = rustix::process::geteuid().as_raw();
        let owner = fs::symlink_metadata(cluster_folder).ok().map(|metadata| metadata.uid());
        let wrong_owner = |owner, expected| ClusterError::WrongOwner {
            folder: cluster_folder.to_path_buf(),
            owner,
            expected,
        };
        if own_uid != 0 {
            let user = Self::current(own_uid);
            return match owner {
                Some(owner) if owner != own_uid => Err(wrong_owner(owner, user.name)),
                _ => Ok(user),
            };
        }
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        let preferred = ["postgres", "nobody"]
            .iter()
            .find_map(|name| find_in_passwd(&passwd, |entry| entry.name == *name));
        let Some(owner) = owner else { return preferred.ok_or(ClusterError::NoServerUser) };
        let expected = preferred.map_or_else(|| "nobody".to_owned(), |user| user.name);
        find_in_passwd(&passwd, |entry| entry.uid == owner && owner != 0)
            .ok_or_else(|| wrong_owner(owner, expected))
    }

    fn current(uid: u32) -> Self {
        let gid = rustix::process::getegid().as_raw();
        Self { name: format!("user id {uid}"), uid, gid, is_other: false }
    }

    /// Name for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// User id.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    /// Whether root hands its commands to this user.
    pub(super) fn is_other(&self) -> bool {
        self.is_other
    }

    /// Lets `command` run as this user, without root's further groups.
    pub(super) fn run(&self, command: &mut Command) {
        if self.is_other {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives a folder that this process made to this user.
    ///
    /// # Errors
    /// [`ClusterError::Io`] when root may not, as in a container without that capability.
    pub(super) fn take_over(&self, folder: &Path) -> Result<(), ClusterError> {
        if !self.is_other {
            return Ok(());
        }
        lchown(folder, Some(self.uid), Some(self.gid))
            .map_err(ClusterError::io("give to the server's user", folder))
    }

    /// Checks that the user may pass every folder from the root down to `folder` itself.
    ///
    /// # Errors
    /// [`ClusterError::FolderClosed`] naming the first folder that stops the user.
    pub(super) fn check_reaches(&self, folder: &Path) -> Result<(), ClusterError> {
        if !self.is_other {
            return Ok(());
        }
        let mut downwards: Vec<&Path> = folder.ancestors().collect();
        downwards.reverse();
        for step in downwards {
            let metadata = fs::metadata(step).map_err(ClusterError::io("look at", step))?;
            let search_bit = if metadata.uid() == self.uid {
                0o100
            } else if metadata.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & search_bit == 0 {
                return Err(ClusterError::FolderClosed {
                    wanted: folder.to_path_buf(),
                    folder: step.to_path_buf(),
                    user: format!("the user '{}'", self.name),
                });
            }
        }
        Ok(())
    }
}

fn find_in_passwd(passwd: &str, is_wanted: impl Fn(&ServerUser) -> bool) -> Option<ServerUser> {
    passwd.lines().filter_map(parse_passwd_line).find(|entry| is_wanted(entry))
}

fn parse_passwd_line(line: &str) -> Option<ServerUser> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(ServerUser { name, uid, gid, is_other: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_user_and_group() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\
                      broken line\n\
                      postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        let user = find_in_passwd(passwd, |entry| entry.name == "postgres").expect("found");
        assert_eq!((user.uid, user.gid), (101, 104));
        assert_eq!(find_in_passwd(passwd, |entry| entry.name == "nobody"), None);
    }

    #[test]
    fn a_closed_parent_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::tempdir_in("/tmp").expect("temporary folder");
        let closed = temporary.path().join("closed");
        let inside = closed.join("inside");
        fs::create_dir_all(&inside).expect("create");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        mode(temporary.path(), 0o755).expect("chmod");
        mode(&inside, 0o755).expect("chmod");
        mode(&closed, 0o700).expect("chmod");
        // A user that owns nothing, so that the bits for others decide.
        let user = ServerUser { name: "ann".to_owned(), uid: 4321, gid: 4321, is_other: true };
        let error = user.check_reaches(&inside).expect_err("closed").to_string();
        assert!(error.contains(&format!("the folder {} is closed", closed.display())), "{error}");
        mode(&closed, 0o711).expect("chmod");
        user.check_reaches(&inside).expect("open");
    }
}
