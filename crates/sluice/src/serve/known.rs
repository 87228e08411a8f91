//! What is known of visitors from files and from whoever signs their tokens, kept up to date.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sluice_connect::KeySet;
use sluice_core::Name;
use sluice_core::id_set::IdSet;
use sluice_gateway::{Attributes, Countries, Lists, TokenOptions, Tokens};

use crate::args::VisitorArgs;
use crate::outcome::{Exit, Failure};

/// How often files are looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How often an issuer is asked for its keys.
const KEYS_TIME: Duration = Duration::from_secs(5 * 60);
/// How soon it is asked again, when it did not answer or a token names a key that is not there.
const KEYS_PAUSE: Duration = Duration::from_secs(10);

/// What is known of visitors, and where it comes from.
pub(super) struct Known {
    pub(super) attributes: Attributes,
    countries: Option<Followed>,
    lists: Option<Followed>,
    keys: Option<(Tokens, Keys)>,
}

/// Where keys come from.
enum Keys {
    File(Followed),
    Issuer(KeySet),
}

/// A file or folder, and when it last changed.
struct Followed {
    path: PathBuf,
    seen: Vec<(PathBuf, Option<SystemTime>, u64)>,
}

impl Known {
    /// Reads everything once. An issuer is not asked yet.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub(super) fn open(args: &VisitorArgs) -> Result<Known, Failure> {
        let mut attributes =
            Attributes { trusted_proxies: args.trusted_proxies.clone(), ..Attributes::default() };
        let followed = |path: &Option<PathBuf>| path.clone().map(Followed::new);
        let (countries, lists) = (followed(&args.countries), followed(&args.lists));
        if let Some(file) = &countries {
            read_countries(&file.path, &attributes.countries).map_err(|why| unusable("--countries", why))?;
        }
        if let Some(folder) = &lists {
            read_lists(&folder.path, &attributes.lists).map_err(|why| unusable("--lists", why))?;
        }
        let mut keys = None;
        if let (Some(issuer), Some(from)) = (&args.token_issuer, &args.token_keys) {
            let options = TokenOptions {
                issuer: issuer.clone(),
                audience: args.token_audience.clone(),
                cookie: args.token_cookie.clone(),
            };
            let tokens = Tokens::new(options);
            let source = if from.starts_with("https://") || from.starts_with("http://") {
                Keys::Issuer(KeySet::at(from).map_err(|why| unusable("--token-keys", why))?)
            } else {
                let file = Followed::new(PathBuf::from(from));
                read_keys(&file.path, &tokens).map_err(|why| unusable("--token-keys", why))?;
                Keys::File(file)
            };
            attributes.tokens = Some(tokens.clone());
            keys = Some((tokens, source));
        }
        Ok(Known { attributes, countries, lists, keys })
    }

    /// Follows what changes, until it is dropped. What cannot be read is told, and what was there stays.
    pub(super) async fn follow(mut self) {
        let mut asked: Option<(Instant, bool)> = None;
        let mut is_missed = false;
        let mut interval = tokio::time::interval(LOOK_PAUSE);
        loop {
            interval.tick().await;
            let (countries, lists) = (self.attributes.countries.clone(), self.attributes.lists.clone());
            reread(&mut self.countries, |path| read_countries(path, &countries));
            reread(&mut self.lists, |path| read_lists(path, &lists));
            if let Some((tokens, Keys::File(file))) = &mut self.keys
                && file.has_changed()
            {
                tell(&file.path, read_keys(&file.path, tokens));
            }
            let Some((tokens, Keys::Issuer(key_set))) = &self.keys else { continue };
            // Kept until the issuer is asked: a token that was refused is not looked at twice.
            is_missed |= tokens.take_key_missed();
            let is_due = asked.is_none_or(|(at, is_good)| {
                let pause = if is_good && !is_missed { KEYS_TIME } else { KEYS_PAUSE };
                at.elapsed() >= pause
            });
            if is_due {
                is_missed = false;
                asked = Some((Instant::now(), ask(key_set, tokens).await));
            }
        }
    }
}

/// Gives whether the issuer gave keys.
async fn ask(key_set: &KeySet, tokens: &Tokens) -> bool {
    let keys = match key_set.fetch().await {
        Ok(keys) => keys,
        Err(why) => {
            tracing::warn!(%why, "The keys of tokens cannot be fetched; those that are known stay");
            return false;
        }
    };
    match tokens.replace_keys(&keys) {
        Ok(count) => {
            tracing::debug!(count, "The keys of tokens are known");
            true
        }
        Err(error) => {
            tracing::warn!(%error, "The keys of tokens cannot be used; those that are known stay");
            false
        }
    }
}

impl Followed {
    fn new(path: PathBuf) -> Followed {
        let seen = look(&path);
        Followed { path, seen }
    }

    fn has_changed(&mut self) -> bool {
        let now = look(&self.path);
        let has_changed = now != self.seen;
        self.seen = now;
        has_changed
    }
}

/// A file, or what is in a folder: when each was written, and how long it is.
fn look(path: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let mut paths = vec![path.to_owned()];
    if let Ok(entries) = std::fs::read_dir(path) {
        paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    paths.sort();
    let told = |path: PathBuf| {
        let told = std::fs::metadata(&path).ok();
        let length = told.as_ref().map_or(0, std::fs::Metadata::len);
        (path, told.and_then(|told| told.modified().ok()), length)
    };
    paths.into_iter().map(told).collect()
}

fn reread(followed: &mut Option<Followed>, read: impl Fn(&Path) -> Result<String, String>) {
    if let Some(followed) = followed
        && followed.has_changed()
    {
        tell(&followed.path, read(&followed.path));
    }
}

fn tell(path: &Path, read: Result<String, String>) {
    match read {
        Ok(what) => tracing::info!(path = %path.display(), what, "Read again what is known of visitors"),
        Err(why) => {
            tracing::warn!(why, "What is known of visitors cannot be read again; what was there stays")
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn read_countries(path: &Path, countries: &Countries) -> Result<String, String> {
    countries.replace(read_file(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok("countries".to_owned())
}

fn read_keys(path: &Path, tokens: &Tokens) -> Result<String, String> {
    let count =
        tokens.replace_keys(&read_file(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(format!("{count} keys"))
}

/// Each `NAME.txt` of a folder, an id to a line. Empty lines are passed over.
fn read_lists(folder: &Path, lists: &Lists) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut by_name: BTreeMap<Name, IdSet> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let name: Name = stem.parse().map_err(|error| {
            format!("{}: the file's name is the list's name, and that cannot be: {error}", path.display())
        })?;
        let text = String::from_utf8(read_file(&path)?)
            .map_err(|_| format!("{} is no text (UTF-8)", path.display()))?;
        by_name.insert(name, text.lines().map(str::trim).filter(|line| !line.is_empty()).collect());
    }
    let told: Vec<String> = by_name.iter().map(|(name, ids)| format!("{name}: {}", ids.len())).collect();
    lists.replace(by_name);
    Ok(told.join(", "))
}

fn unusable(option: &str, why: String) -> Failure {
    Failure::new(Exit::Configuration, why).hint(format!("{option} is told of in docs/segments.md"))
}
