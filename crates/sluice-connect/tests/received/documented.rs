//! What `docs/metrics.md` shows can be applied as it stands.

use sluice_core::document::parse_yaml;

#[test]
fn every_metric_of_the_page_is_a_document() {
    let page = include_str!("../../../../docs/metrics.md");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let metrics: Vec<_> =
        blocks.map(|(block, _)| block).filter(|block| block.contains("kind: Metric")).collect();
    assert!(metrics.len() >= 3);
    for metric in metrics {
        let read = parse_yaml(metric);
        assert!(read.is_ok(), "{metric}\n{read:?}");
    }
}
