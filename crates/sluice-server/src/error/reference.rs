//! `docs/errors.md`: the code table for people.

use std::fmt::Write;

use super::Code;

/// The reference page of all codes, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Errors of the HTTP API\n\n\
         <!-- Written from the code table of sluice-server by its tests; `SLUICE_UPDATE=1 cargo test -p sluice-server` \
         writes it anew. -->\n\n\
         Every answer that is not a success has a body of the type `application/problem+json` (RFC 9457):\n\n\
         | field | what it holds |\n|---|---|\n\
         | `type` | `https://sluice.dev/errors/` and the code |\n\
         | `title` | what happened, the same every time |\n\
         | `status` | the HTTP status |\n\
         | `code` | a stable code, to decide by |\n\
         | `detail` | what happened this time, with the names in it |\n\
         | `hint` | how to mend it, when that is known |\n\
         | `problems` | everything that is wrong with the documents, each with its place; only for `invalid-document` |\n\n\
         Nothing was changed, whatever the code; `not-recorded` is the one exception.\n",
    );
    for code in Code::ALL {
        write!(
            page,
            "\n## {}\n\n{} · {}.\n\n{}\n\n**Mend:** {}\n",
            code.as_str(),
            code.status().as_u16(),
            code.title(),
            code.meaning(),
            code.mend(),
        )
        .expect("writing to a string does not fail");
    }
    page
}
