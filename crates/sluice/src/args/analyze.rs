//! `sluice analyze`.

use clap::Args;

/// Options of `sluice analyze`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each stream begins with a config, and each batch is answered with one line at once:\n  \
    {\"config\":{\"id\":\"s1\",\"kind\":\"proportion\",\"alpha\":0.05,\"margin\":{\"relative\":0.1}}}\n  \
    {\"batch\":{\"seq\":1,\"weight\":0.05,\"stable\":{\"n\":950,\"k\":9},\"candidate\":{\"n\":50,\"k\":1}}}\n\n\
    Example:\n  \
    sluice analyze --jsonl < counts.jsonl\n\n\
    docs/analyze.md tells every field. A line that makes no sense ends it with exit code 3."
)]
pub(crate) struct AnalyzeArgs {
    /// Reads one JSON object a line from standard input and answers with one a line
    #[arg(long, required = true)]
    pub(crate) jsonl: bool,
    /// Also says `pass` once it is proved that the margin is kept
    #[arg(long)]
    pub(crate) non_inferiority: bool,
}
