//! `s3_deploy`: what would go to a bucket goes to the folder `s3/<bucket>` of the state folder.
//!
//! With `Extract` the artifact's files are laid out below the key; without it the artifact is one zip file under the key.
//! `{datetime}` is `YYYY-MM-DD_HH-MM-SS` in UTC, `{uuid}` a fresh UUID.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Done, Job, blocking};
use crate::run::archive;
use crate::run::outcome::Failure;
use crate::run::paths::component;

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let bucket = job.configuration("BucketName").unwrap_or_default().to_owned();
    let key = key(job.configuration("ObjectKey").unwrap_or_default());
    let extract = job
        .configuration("Extract")
        .is_some_and(|extract| extract.eq_ignore_ascii_case("true"));
    let Some((name, artifact)) = job.inputs.first().cloned() else {
        return Err(Failure::new("there is no input artifact to deploy"));
    };
    if Path::new(&key)
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Err(Failure::new(format!(
            "the object key `{key}` would lead out of the bucket's folder"
        )));
    }
    let to: PathBuf = job.run.state_dir.join("s3").join(component(&bucket)).join(&key);
    if !extract && key.is_empty() {
        return Err(Failure::new("an artifact that is not extracted needs an object key")
            .with_help("add `object_key = \"…\"`, or `extract = true`"));
    }
    let store = &job.run.store;
    blocking(|| {
        if extract {
            return store.unpack(&artifact, &to);
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // In one step: whoever reads the bucket sees the old archive or the new one.
        let mut new = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(to.parent().unwrap_or(&to))?;
        archive::export(store, &artifact, new.as_file_mut())?;
        new.persist(&to).map(|_| ()).map_err(|error| error.error)
    })?;
    let address = format!("s3://{bucket}/{key}");
    let what = if extract {
        artifact.file_count()
    } else {
        "1 archive".to_owned()
    };
    let mut notes = vec![format!("`{name}` ({what}) as {address} in {}", to.display())];
    notes.extend(attributes(job));
    for note in &notes {
        job.log.say(note);
    }
    Ok(Done {
        notes,
        ..Done::default()
    })
}

/// What S3 would keep with each object, and a folder does not.
fn attributes(job: &Job) -> Option<String> {
    let given = ["CacheControl", "CannedACL", "KMSEncryptionKeyARN"]
        .into_iter()
        .filter_map(|key| Some(format!("{key} `{}`", job.configuration(key)?)));
    let given: Vec<String> = given.collect();
    (!given.is_empty()).then(|| format!("only S3 keeps its objects' {}", given.join(", ")))
}

fn key(template: &str) -> String {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let datetime = now.strftime("%Y-%m-%d_%H-%M-%S").to_string();
    let key = template.replace("{datetime}", &datetime);
    let key = key.replace("{uuid}", &uuid::Uuid::new_v4().to_string());
    key.trim_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_are_filled_in() {
        assert_eq!(key("/site/"), "site");
        let filled = key("releases/{datetime}/{uuid}.zip");
        let (date, uuid) = filled.strip_prefix("releases/").unwrap().split_once('/').unwrap();
        assert_eq!((date.len(), uuid.len()), (19, 40));
        assert_ne!(key("{uuid}"), key("{uuid}"));
    }
}
