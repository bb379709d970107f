//! Questions from node to node.

use std::sync::Weak;
use std::time::Duration;

use super::super::tests::{Node, end, town};
use super::*;

/// Says who it is, and what it was asked.
struct Parrot(Weak<Link>);

impl Answers for Parrot {
    fn asked(&self, asked: Asked) {
        let link = self.0.upgrade().unwrap();
        let answer = [asked.question.as_ref(), b"?"].concat();
        link.answer(&asked, answer.into());
    }
}

fn knows(node: &Node) {
    node.link.set_answers(Arc::new(Parrot(Arc::downgrade(&node.link))));
}

fn ask(node: &Node, nodes: &[u64], longest: Duration) -> HashMap<u64, Bytes> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let questions = nodes.iter().map(|node| (*node, format!("to {node}").into())).collect();
    runtime.block_on(async { node.link.ask(questions, Instant::now() + longest).await })
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn each_node_is_asked_its_own_question_and_answers_it() {
    let (_, nodes) = town(3);
    nodes.iter().for_each(knows);
    let answers = ask(&nodes[0], &[2, 3], LONG);
    assert_eq!(answers, HashMap::from([(2, "to 2?".into()), (3, "to 3?".into())]));
    assert!(lock(&nodes[0].link.asking.waiting).is_empty());
    assert!(ask(&nodes[0], &[], LONG).is_empty());
    end(nodes);
}

#[test]
fn who_does_not_answer_is_not_waited_for_for_ever() {
    let (wire, nodes) = town(3);
    knows(&nodes[1]);
    let answers = ask(&nodes[0], &[2, 3], Duration::from_millis(300));
    assert_eq!(answers, HashMap::from([(2, "to 2?".into())]));
    assert!(lock(&nodes[0].link.asking.waiting).is_empty());
    wire.cut(0, true);
    assert!(ask(&nodes[0], &[2], LONG).is_empty(), "without a bus nobody is waited for");
    end(nodes);
}

#[test]
fn an_answer_that_nobody_wants_is_passed_over() {
    let (_, nodes) = town(2);
    nodes.iter().for_each(knows);
    nodes[0].link.answered(2, 0, "early".into());
    let waiting = nodes[0].link.asking.wait(1);
    nodes[0].link.answered(7, waiting.id, "of somebody else".into());
    nodes[0].link.answered(2, waiting.id, "too much".into());
    drop(waiting);
    assert_eq!(ask(&nodes[0], &[2], LONG).len(), 1);
    end(nodes);
}
