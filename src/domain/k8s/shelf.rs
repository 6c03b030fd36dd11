//! What is kept of the answers of an API server, for later searches: bounded in bytes, the least
//! recently used goes first, and nothing is used beyond its age.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use serde_json::Value;

use super::listing::Listing;
use super::plan::{Ask, Known, Size};
use crate::model::{Class, Judge, Kept, Object};

/// Bytes that an object needs besides its body.
const OBJECT: usize = 600;
/// Bytes that an answer needs besides its objects.
const LISTING: usize = 1000;

/// All answers that are kept.
pub(super) struct Shelf {
    room: usize,
    judge: OnceLock<Judge>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    listings: HashMap<(Class, Ask), Arc<Listing>>,
    weight: usize,
    clock: u64,
    sizes: HashMap<(Class, Option<String>), Size>,
    /// Bytes and number of the objects of a class that have been read.
    read: HashMap<Class, (usize, usize)>,
    /// Objects that are in use somewhere, so that each is there once.
    objects: HashMap<(Class, Arc<str>), Weak<Object>>,
    /// How many of them there were when those not in use were last taken out.
    swept: usize,
}

impl Shelf {
    /// With room for so many bytes.
    pub(super) fn new(room: usize) -> Self {
        Self { room, judge: OnceLock::new(), inner: Mutex::default() }
    }

    pub(super) fn judge_by(&self, judge: &Judge) {
        self.judge.get_or_init(|| Arc::clone(judge));
    }

    /// The answer to a request, as far as it is known.
    pub(super) fn listing(&self, class: &Class, ask: &Ask) -> Arc<Listing> {
        let key = (class.clone(), ask.clone());
        let mut inner = self.inner();
        let stale = inner.listings.get(&key).is_some_and(|listing| !listing.fresh());
        if stale && let Some(listing) = inner.listings.remove(&key) {
            inner.weight -= listing.pages().weight;
        }
        inner.clock += 1;
        let now = inner.clock;
        let fresh = || Arc::new(Listing::new(class.clone(), ask.clone()));
        let listing = Arc::clone(inner.listings.entry(key).or_insert_with(fresh));
        listing.pages().used = now;
        listing
    }

    /// An object, judged; one that is the same as a known one is that one.
    pub(super) fn object(&self, mut object: Object) -> Arc<Object> {
        let key = (object.class.clone(), Arc::clone(&object.id));
        let known = self.inner().objects.get(&key).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| same_version(known, &object)) {
            return known;
        }
        if let Some(judge) = self.judge.get() {
            judge(&mut object);
            object.judged = true;
        }
        let object = Arc::new(object);
        self.inner().objects.insert(key, Arc::downgrade(&object));
        object
    }

    /// Adds a page to an answer; `bytes` is what came over the wire.
    pub(super) fn grow(
        &self,
        listing: &Arc<Listing>,
        objects: Vec<Arc<Object>>,
        bytes: usize,
        token: String,
        remaining: Option<usize>,
    ) {
        let more = objects.iter().map(|object| OBJECT + weigh(&object.body)).sum::<usize>();
        let mut inner = self.inner();
        let read = inner.read.entry(listing.class.clone()).or_default();
        *read = (read.0 + bytes, read.1 + objects.len());
        let mut pages = listing.pages();
        let more = more + if pages.count == 0 { LISTING } else { 0 };
        pages.objects.extend(objects);
        pages.count += 1;
        pages.bytes += bytes;
        pages.whole = token.is_empty();
        pages.token = token;
        pages.remaining = remaining;
        pages.weight += more;
        let key = (listing.class.clone(), listing.ask.namespace().cloned());
        let size = inner.sizes.entry(key).or_default();
        if listing.ask.is_all() {
            let all = remaining.map(|remaining| remaining + pages.objects.len());
            size.objects = all.or(pages.whole.then_some(pages.objects.len())).or(size.objects);
            if pages.whole {
                size.spent = 0;
            }
        } else {
            size.spent += size.part(&listing.class, &listing.ask);
        }
        drop(pages);
        let key = (listing.class.clone(), listing.ask.clone());
        if inner.listings.get(&key).is_some_and(|kept| Arc::ptr_eq(kept, listing)) {
            inner.weight += more;
        }
        inner.make_room(self.room);
    }

    /// Begins an answer anew.
    pub(super) fn restart(&self, listing: &Arc<Listing>) {
        let mut inner = self.inner();
        let mut pages = listing.pages();
        let less = std::mem::take(&mut pages.weight);
        pages.restart();
        drop(pages);
        let key = (listing.class.clone(), listing.ask.clone());
        if inner.listings.get(&key).is_some_and(|kept| Arc::ptr_eq(kept, listing)) {
            inner.weight -= less;
        }
    }

    /// Forgets all answers. How many objects there were and how large they are stays, as what is
    /// to be expected: it decides how something is asked, not what is found, and a list that turns
    /// out to be too long is given up after a page. What was spent does not stay, for no list could
    /// have served those requests and the ones to come.
    pub(super) fn clear(&self) {
        let mut inner = self.inner();
        inner.listings.clear();
        inner.weight = 0;
        inner.sizes.values_mut().for_each(|size| size.spent = 0);
    }

    /// How much is kept.
    pub(super) fn kept(&self) -> Option<Kept> {
        let inner = self.inner();
        let answered = || inner.listings.values().filter(|listing| listing.pages().count > 0);
        let lists = answered().filter(|listing| matches!(listing.ask, Ask::List { .. })).count();
        let oldest = answered().map(|listing| listing.age()).max()?;
        Some(Kept {
            lists,
            objects: answered().count() - lists,
            bytes: inner.weight,
            oldest_seconds: oldest.as_secs(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known for Shelf {
    fn fresh(&self, class: &Class, ask: &Ask) -> bool {
        let inner = self.inner();
        let listing = inner.listings.get(&(class.clone(), ask.clone()));
        listing.is_some_and(|listing| {
            let begun = listing.listed() || listing.pages().refusal().is_some();
            begun && listing.fresh()
        })
    }

    fn size(&self, class: &Class, namespace: Option<&String>) -> Size {
        let inner = self.inner();
        let mut size =
            inner.sizes.get(&(class.clone(), namespace.cloned())).copied().unwrap_or_default();
        size.bytes = inner.read.get(class).map(|(bytes, objects)| bytes / (*objects).max(1));
        let all = inner.listings.get(&(class.clone(), Ask::all(namespace)));
        if let Some(all) = all.filter(|all| all.fresh()) {
            size.listed = all.listed();
            size.refused = all.pages().refusal().is_some();
        }
        size
    }
}

impl Inner {
    /// Forgets what was not used for the longest time, if there is too much.
    fn make_room(&mut self, room: usize) {
        if self.objects.len() > 2 * self.swept + 1000 {
            self.objects.retain(|_, object| object.strong_count() > 0);
            self.swept = self.objects.len();
        }
        if self.weight <= room {
            return;
        }
        let mut by_use: Vec<_> = self
            .listings
            .iter()
            .map(|(key, listing)| (listing.pages().used, key.clone()))
            .collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in by_use {
            // A little more than needed, so that this is not done for each page.
            if self.weight <= room - room / 8 {
                break;
            }
            if let Some(listing) = self.listings.remove(&key) {
                self.weight -= listing.pages().weight;
            }
        }
    }
}

/// Whether two objects of one name are the same in the same state.
fn same_version(known: &Object, new: &Object) -> bool {
    ["/metadata/uid", "/metadata/resourceVersion"].iter().all(|field| {
        let version = new.text(field);
        version.is_some() && known.text(field) == version
    })
}

/// About how many bytes of memory a value needs.
fn weigh(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + text.len(),
        Value::Array(all) => 32 + all.iter().map(weigh).sum::<usize>(),
        // Nodes of the map have room for eleven entries.
        Value::Object(map) => {
            100 + map.iter().map(|(key, value)| 48 + key.len() + weigh(value)).sum::<usize>()
        }
    }
}
