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
    let begun = Instant::now();
    assert!(ask(&nodes[0], &[2], LONG).is_empty());
    assert!(begun.elapsed() < LONG, "without a bus nobody is waited for");
    end(nodes);
}

/// Answers only after another node has, which was not asked, and then twice.
struct Slow {
    link: Weak<Link>,
    stranger: Arc<Link>,
}

impl Answers for Slow {
    fn asked(&self, asked: Asked) {
        let link = self.link.upgrade().unwrap();
        link.answer(&Asked { id: asked.id + 1, ..asked.clone() }, "to nothing".into());
        self.stranger.answer(&asked, "a stranger's".into());
        link.answer(&asked, "the first".into());
        link.answer(&asked, "the second".into());
    }
}

#[test]
fn an_answer_that_nobody_wants_is_passed_over() {
    let (_, nodes) = town(3);
    let (link, stranger) = (Arc::downgrade(&nodes[1].link), Arc::clone(&nodes[2].link));
    nodes[1].link.set_answers(Arc::new(Slow { link, stranger }));
    let answers = ask(&nodes[0], &[2], LONG);
    assert_eq!(answers, HashMap::from([(2, "the first".into())]));
    end(nodes);
}
