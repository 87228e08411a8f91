//! Reading: documents with their status, events, charts.

use std::sync::Arc;
use std::sync::LazyLock;

use sluice_core::document::{
    API_VERSION, DEFAULT_ENVIRONMENT, Document, DocumentKey, EnvironmentSpec, Kind, Metadata, Spec,
};
use sluice_core::release::Release;
use sluice_core::{Name, ServiceKey, Span, Timestamp, builtin};

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{release_resource, resource};
use crate::live::{TrafficHistory, VersionHistory};
use crate::load;
use crate::port::store::{self, Chain, EventQuery, EventRecord, ListQuery, Row};
use crate::resource::{Resource, ResourcePage};
use crate::sampler::{HISTORY, role_of};
use crate::world::Stored;

/// The label that tells a built-in document.
pub(crate) const BUILT_IN_LABEL: &str = "sluice.dev/built-in";

impl Engine {
    /// One document with its status, built-in ones included.
    ///
    /// # Errors
    /// [`Error::NotFound`], with a name that looks alike where there is one.
    pub async fn get(&self, key: &DocumentKey) -> Result<Resource, Error> {
        if key.kind == Kind::Release {
            // Names of releases are unique everywhere, so the environment need not be known.
            if let Some(live) = self.inner.world().release(&key.name) {
                return Ok(release_resource(&live.stored, &live.release));
            }
            let (stored, release) = self.finished(&key.name).await?;
            return Ok(release_resource(&stored, &release));
        }
        let world = self.inner.world();
        if let Some(stored) = world.document(key) {
            return Ok(self.inner.resource_of(&world, stored));
        }
        if let Some(built_in) = BUILT_IN.iter().find(|resource| resource.key() == *key) {
            return Ok(built_in.clone());
        }
        let built_in = BUILT_IN.iter().filter(|resource| resource.kind == key.kind);
        let names = world.names(key.kind).chain(built_in.map(|resource| &resource.metadata.name));
        let did_you_mean = similar(key.name.as_str(), names);
        Err(Error::NotFound { key: key.clone(), did_you_mean })
    }

    /// Documents of one kind with their status, built-in ones included.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, query: ListQuery) -> Result<ResourcePage, Error> {
        if query.kind != Kind::Release {
            return self.list_documents(&query);
        }
        let page = self.inner.parts.store.list(query).await?;
        let items: Result<Vec<Resource>, Error> =
            page.rows.iter().map(|row| self.release_of_row(row)).collect();
        Ok(ResourcePage { items: items?, next: page.next })
    }

    fn list_documents(&self, query: &ListQuery) -> Result<ResourcePage, Error> {
        let after = query.cursor.as_deref().map(Place::parse).transpose()?;
        let world = self.inner.world();
        let is_wanted = |key: &DocumentKey| {
            key.kind == query.kind
                && query.environment.as_ref().is_none_or(|wanted| key.environment.as_ref() == Some(wanted))
        };
        let mut items: Vec<Resource> = world
            .stored()
            .filter(|stored| is_wanted(&stored.document.key()))
            .map(|stored| self.inner.resource_of(&world, stored))
            .collect();
        let built_in = BUILT_IN.iter().filter(|resource| {
            let key = resource.key();
            is_wanted(&key) && world.document(&key).is_none()
        });
        items.extend(built_in.cloned());
        drop(world);
        let place = |resource: &Resource| Place::of(resource, query.newest_first);
        items.sort_by_cached_key(place);
        items.retain(|resource| after.as_ref().is_none_or(|after| place(resource) > *after));
        let limit = query.limit.clamp(1, 1000);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| place(last).to_string());
        Ok(ResourcePage { items, next })
    }

    /// Events, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self, query: EventQuery) -> Result<Vec<EventRecord>, Error> {
        Ok(self.inner.parts.store.events(query).await?)
    }

    /// Reads the whole event log and checks its chain of hashes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verify(&self) -> Result<Chain, Error> {
        Ok(self.inner.parts.store.verify().await?)
    }

    /// What was counted of a service, second by second, at most over the last ten minutes.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn traffic(&self, service: &ServiceKey, since: Span) -> Result<TrafficHistory, Error> {
        self.get(&crate::world::document_key(service)).await?;
        let to = self.inner.now();
        let since = i64::try_from(since.min(HISTORY).as_millis()).unwrap_or(0);
        let from = Timestamp::from_millis(to.as_millis() - since);
        let points = crate::lock(&self.inner.history).get(service).map(|history| history.points.clone());
        let versions = points.unwrap_or_default().into_iter().map(|(version, points)| {
            let role = role_of(&self.inner, service, &version);
            let points = points.into_iter().filter(|point| point.at >= from).collect();
            (version, VersionHistory { role, points })
        });
        Ok(TrafficHistory {
            service: service.name.clone(),
            environment: service.environment.clone(),
            from,
            to,
            versions: versions.collect(),
        })
    }

    /// A document as it is stored; built-in ones are not.
    pub(crate) async fn stored(&self, key: &DocumentKey) -> Result<Stored, Error> {
        if key.kind == Kind::Release {
            if let Some(live) = self.inner.world().release(&key.name) {
                return Ok(live.stored.clone());
            }
            return Ok(self.finished(&key.name).await?.0);
        }
        if let Some(stored) = self.inner.world().document(key) {
            return Ok(stored.clone());
        }
        let found = self.get(key).await?;
        Err(Error::BuiltIn { key: found.key() })
    }

    /// A release that is over, by name in whichever environment it was.
    pub(crate) async fn finished(&self, name: &Name) -> Result<(Stored, Release), Error> {
        let environments: Vec<Name> = {
            let world = self.inner.world();
            let default = crate::releases::environment_or_default(None);
            world.services().map(|service| service.environment.clone()).chain([default]).collect()
        };
        for environment in std::collections::BTreeSet::from_iter(environments) {
            let key = crate::releases::release_key(&environment, name);
            if let Some(row) = self.inner.parts.store.get(&key).await? {
                return Ok((load::stored(&row)?, load::release_of(&row)?));
            }
        }
        let world = self.inner.world();
        let did_you_mean = similar(name.as_str(), world.names(Kind::Release));
        let environment = Some(crate::releases::environment_or_default(None));
        let key = DocumentKey { kind: Kind::Release, environment, name: name.clone() };
        Err(Error::NotFound { key, did_you_mean })
    }

    fn release_of_row(&self, row: &Row) -> Result<Resource, Error> {
        let live = self.inner.world().release(&row.key.name).cloned();
        match live {
            Some(live) => Ok(release_resource(&live.stored, &live.release)),
            None => Ok(release_resource(&load::stored(row)?, &Arc::new(load::release_of(row)?))),
        }
    }
}

/// Where a document stands in a list; a page goes on after the place at which the last one ended, so that what is
/// created or deleted in between neither repeats nor hides another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Milliseconds before the epoch at which it was created, in lists of the newest; zero in others.
    age: i64,
    environment: String,
    name: String,
}

impl Place {
    fn of(resource: &Resource, is_newest_first: bool) -> Place {
        let created_at = resource.metadata.created_at.filter(|_| is_newest_first);
        Place {
            age: created_at.map_or(0, |at| -at.as_millis()),
            environment: resource.metadata.environment.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: resource.metadata.name.to_string(),
        }
    }

    fn parse(given: &str) -> Result<Place, Error> {
        let mut parts = given.split('/');
        let place = (|| {
            let age = parts.next()?.parse().ok()?;
            Some(Place { age, environment: parts.next()?.to_owned(), name: parts.next()?.to_owned() })
        })();
        place.ok_or_else(|| Error::Store(store::Error::Cursor { given: given.to_owned() }))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.age, self.environment, self.name)
    }
}

/// A name that looks like another: for "did you mean".
pub(crate) fn similar<'n>(wanted: &str, names: impl Iterator<Item = &'n Name>) -> Option<String> {
    let scored = names.map(|name| (strsim::damerau_levenshtein(wanted, name.as_str()), name));
    let (distance, best) = scored.min_by_key(|(distance, _)| *distance)?;
    // Up to a third of the letters may differ; more is another word.
    (distance * 3 <= wanted.len().max(3)).then(|| best.to_string())
}

/// The documents that exist without any file.
static BUILT_IN: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let policies = builtin::policies().iter().map(|(name, spec)| (name.clone(), Spec::Policy(spec.clone())));
    let metrics = builtin::metrics().iter().map(|(name, spec)| (name.clone(), Spec::Metric(spec.clone())));
    let segments = builtin::segments().iter().map(|(name, spec)| (name.clone(), Spec::Segment(spec.clone())));
    let environment = DEFAULT_ENVIRONMENT.parse::<Name>().ok();
    let environments =
        environment.into_iter().map(|name| (name, Spec::Environment(EnvironmentSpec::default())));
    let all = policies.chain(metrics).chain(segments).chain(environments);
    all.map(|(name, spec)| built_in(name, spec)).collect()
});

fn built_in(name: Name, spec: Spec) -> Resource {
    let metadata = Metadata {
        name,
        environment: None,
        labels: [(BUILT_IN_LABEL.to_owned(), "true".to_owned())].into(),
        annotations: std::collections::BTreeMap::new(),
        resource_version: None,
        created_at: None,
        updated_at: None,
    };
    let epoch = Timestamp::default();
    let stored =
        Stored { document: Document { metadata, spec }, version: 0, created_at: epoch, updated_at: epoch };
    let mut shown = resource(&stored, None);
    shown.api_version = API_VERSION.to_owned();
    shown.metadata.resource_version = None;
    shown.metadata.created_at = None;
    shown.metadata.updated_at = None;
    shown
}
