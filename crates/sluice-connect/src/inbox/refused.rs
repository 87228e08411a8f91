//! Why a point that was sent is not taken.

/// Why a point is not counted, as the sender is told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("its resource has no `service.name`; set OTEL_SERVICE_NAME at the sender")]
    NoService,
    #[error("its resource or its attributes are longer than {0} bytes")]
    NamesTooLong(usize),
    #[error("its name or its data is missing")]
    NoData,
    #[error("summaries cannot be added up; send a histogram")]
    Summary,
    #[error("its temporality is neither delta nor cumulative")]
    NoTemporality,
    #[error(
        "it goes up and down and says differences only, so that its value is not known; send it as cumulative"
    )]
    DeltaOfLevel,
    #[error("it has no time, or one before it began")]
    NoTime,
    #[error("its time is more than five minutes ahead of this server's clock")]
    FromTheFuture,
    #[error(
        "its time is not after that of the point before; give each instance a `service.instance.id` of its own"
    )]
    Late,
    #[error("it is not a finite number")]
    NotFinite,
    #[error("a sum that only grows is below zero")]
    BelowZero,
    #[error("it says that it holds {count} values, and its buckets hold {}", counted.map_or_else(|| "more than can be counted".to_owned(), |counted| counted.to_string()))]
    CountMismatch { count: u64, counted: Option<u64> },
    #[error("it has {bounds} bounds and {counts} buckets; there must be one bucket more than bounds")]
    BucketMismatch { bounds: usize, counts: usize },
    #[error("its bounds do not rise")]
    BoundsDoNotRise,
    #[error("it has {0} buckets, which is too many")]
    TooManyBuckets(usize),
    #[error("its scale or offset of {0} is not within what the protocol defines")]
    Scale(i32),
    #[error("it was a {before} before and is a {now} now")]
    KindChanged { before: &'static str, now: &'static str },
    #[error(
        "its bucket bounds have changed: what was counted with the old ones and not read yet is left out"
    )]
    BoundsChanged,
    #[error(
        "the inbox holds {0} series, which is as many as it may, and all are in use; send fewer attributes"
    )]
    Full(usize),
}
