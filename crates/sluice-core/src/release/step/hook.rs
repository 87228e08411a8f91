//! Webhooks: when they are called, and what follows from what they answer.

use crate::Span;
use crate::document::policy::Hook;
use crate::release::effect::Effect;
use crate::release::event::HookAnswer;
use crate::release::phase::longer;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::{CallState, Calling, Purpose};

/// How often a pipeline is told to deploy again before the release ends without it. With a doubling pause after each,
/// from a second on, that takes a quarter of a minute besides the calls themselves.
const TELL_MAX: u32 = 5;

/// How much longer than its timeout a call may take before it is made again: whoever made it may have died meanwhile.
const CALL_GRACE: Span = Span::from_secs(30);

impl Draft {
    /// Calls a webhook for the first time.
    pub(super) fn call(&mut self, hook: Hook, purpose: Purpose) {
        self.next.calls += 1;
        let number = self.next.calls;
        let (state, since) = (CallState::Out, self.now);
        self.next.calling = Some(Calling { number, hook, purpose, tries: 0, state, since });
        self.effects.push(Effect::CallHook { number });
    }

    /// Calls it again: the same call after one that was in vain, and a new one after an answer that decided nothing.
    pub(super) fn call_again_if_due(&mut self) {
        let now = self.now;
        let Some(calling) = &mut self.next.calling else { return };
        match calling.state {
            CallState::Rests { until } if now >= until => {}
            CallState::Out if now.since(calling.since) > longer(calling.hook.timeout, CALL_GRACE) => {}
            // A clock that was set back must not make a rest last for ever.
            CallState::Rests { .. } if now < calling.since => {}
            CallState::Rests { .. } | CallState::Out => return,
        }
        if calling.tries == 0 && calling.state != CallState::Out {
            self.next.calls += 1;
            calling.number = self.next.calls;
        }
        (calling.state, calling.since) = (CallState::Out, now);
        self.effects.push(Effect::CallHook { number: calling.number });
    }

    pub(super) fn hook_answered(&mut self, number: u64, answer: &HookAnswer) {
        let Some(calling) = &self.next.calling else { return };
        let decides = matches!(answer, HookAnswer::Pass(_) | HookAnswer::Fail(_));
        // What was called twice may answer twice.
        if calling.number != number || !decides && calling.state != CallState::Out {
            return;
        }
        match calling.purpose {
            Purpose::Gate => self.answered_at_gate(answer),
            Purpose::Redeploy => self.answered_redeploy(answer),
        }
    }

    fn answered_at_gate(&mut self, answer: &HookAnswer) {
        let Some(hook) = self.next.calling.as_ref().map(|calling| calling.hook.clone()) else { return };
        let every = self.every().unwrap_or_default();
        match answer {
            HookAnswer::Pass(said) => {
                self.next.calling = None;
                self.note_pass(&hook, said.clone());
            }
            HookAnswer::Fail(said) => return self.fail_at_gate(&hook, said.clone()),
            HookAnswer::Wait(said) => {
                self.heard(said.clone().unwrap_or_else(|| "it cannot say yet".to_owned()));
                self.rest(every, 0);
            }
            HookAnswer::Taken { instead } => {
                self.heard(format!("no verdict, but {instead}"));
                self.rest(every, 0);
            }
            HookAnswer::Broken { why } => {
                self.heard(why.clone());
                let tries = self.tries();
                self.rest(every.min(backoff(tries)), tries.saturating_add(1));
            }
        }
        self.pass_or_wait();
    }

    fn answered_redeploy(&mut self, answer: &HookAnswer) {
        let Some(url) = self.next.calling.as_ref().map(|calling| calling.hook.url.clone()) else { return };
        let tries = self.tries().saturating_add(1);
        match answer {
            HookAnswer::Broken { why } if tries >= TELL_MAX => {
                let text = format!("{url} could not be told to deploy {} again: {why}", self.next.from);
                self.note(TimelineKind::RollingBack, text);
            }
            HookAnswer::Broken { .. } => return self.rest(backoff(tries - 1), tries),
            HookAnswer::Pass(_) | HookAnswer::Fail(_) | HookAnswer::Wait(_) | HookAnswer::Taken { .. } => {
                let text = format!("{url} was told to deploy {} again", self.next.from);
                self.note(TimelineKind::RollingBack, text);
            }
        }
        self.next.calling = None;
        self.end_return_if_in_force();
    }

    fn tries(&self) -> u32 {
        self.next.calling.as_ref().map_or(0, |calling| calling.tries)
    }

    fn rest(&mut self, pause: Span, tries: u32) {
        let (now, until) = (self.now, self.now.after(pause));
        if let Some(calling) = &mut self.next.calling {
            (calling.state, calling.since, calling.tries) = (CallState::Rests { until }, now, tries);
        }
    }
}

/// A pause that doubles with every try, from a second on.
fn backoff(tries: u32) -> Span {
    Span::from_secs(1_u64 << tries.min(20))
}
