//! What people do at the phone: each act changes the platform, is delivered, and shows what came back.

use super::SandboxError;
use super::live::Live;
use super::model::{self, Act, Audience, Body, Customer, Entry, Envelope, Service, Side, Stamp, State, Wrote};
use super::service::Sandbox;
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;

/// The line a customer sees when an account does not answer (platform.md 1.5).
pub const OUT_OF_ORDER: &str = "该公众号提供的服务出现故障，请稍后再试";
/// The account under which the phone page's operator panel answers.
pub const DEMO_AGENT: &str = "xiaofu@demo";
/// How that agent is shown.
pub const DEMO_AGENT_NAME: &str = "客服小服";
/// Longest words a phone sends; longer ones cannot be typed into the real app either.
const LONGEST_WORDS: usize = 2000;

/// What the phone saw after an act.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// What the answer added to the chat; nothing for silence.
    pub entries: Vec<Entry>,
    /// What was wrong with each try that failed.
    pub faults: Vec<String>,
    /// Whether every try failed.
    pub gave_up: bool,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
}

/// An act that the platform has taken and that is still to be delivered.
pub(super) struct Begun {
    openid: Openid,
    act: Act,
    xml: String,
    moment: Moment,
}

#[derive(Clone, Copy)]
enum Moment {
    Now,
    Simulated(i64),
}

impl Seen {
    /// The words of what was seen, one line an entry.
    pub fn text(&self) -> String {
        self.entries.iter().map(|e| e.body.preview()).collect::<Vec<_>>().join("\n")
    }
}

impl Sandbox {
    /// The customer follows, through the code scanned last if there was one.
    pub async fn follow(&self, openid: &Openid) -> Result<Seen, SandboxError> {
        let act = self.following(openid)?;
        self.send(openid, act).await
    }

    /// The customer leaves.
    pub async fn unfollow(&self, openid: &Openid) -> Result<Seen, SandboxError> {
        self.send(openid, Act::Unfollow).await
    }

    /// The customer types.
    pub async fn say(&self, openid: &Openid, words: &str) -> Result<Seen, SandboxError> {
        self.send(openid, words_act(words, None)?).await
    }

    /// The customer taps the menu button whose key, address or page is `target`.
    pub async fn tap(&self, openid: &Openid, target: &str) -> Result<Seen, SandboxError> {
        let act = self.tapping(openid, target)?;
        self.send(openid, act).await
    }

    /// The customer scans a code, by its ticket or scene. Nothing is delivered for somebody who does not follow; the
    /// next follow comes through the code.
    pub async fn scan(&self, openid: &Openid, code: &str) -> Result<Seen, SandboxError> {
        match self.scanning(openid, code)? {
            Some(act) => self.send(openid, act).await,
            None => Ok(Seen::default()),
        }
    }

    /// Any act, now.
    pub async fn send(&self, openid: &Openid, act: Act) -> Result<Seen, SandboxError> {
        let begun = self.begin(openid, act)?;
        Ok(self.finish(begun).await)
    }

    /// Any act of a simulated past: it happened, and is answered, at `at` (Unix seconds).
    pub async fn send_at(&self, openid: &Openid, act: Act, at: i64) -> Result<Seen, SandboxError> {
        let begun = self.begin_at(openid, act, Moment::Simulated(at))?;
        Ok(self.finish(begun).await)
    }

    /// The chat of a customer after an entry.
    pub fn history(&self, openid: &Openid, after_seq: u64) -> Result<Vec<Entry>, SandboxError> {
        Ok(self.keeper().read().customer(openid)?.since(after_seq))
    }

    pub(super) fn following(&self, openid: &Openid) -> Result<Act, SandboxError> {
        self.keeper().read().follow(openid, self.now())
    }

    /// The act of tapping a button of the menu this customer sees.
    pub(super) fn tapping(&self, openid: &Openid, target: &str) -> Result<Act, SandboxError> {
        let state = self.keeper().read();
        let tap = state.menu_of(state.customer(openid)?).and_then(|menu| menu.find(target));
        let tap = tap.ok_or_else(|| SandboxError::NoSuchButton(target.to_owned()))?;
        tap.act().ok_or(SandboxError::ButtonOnlyOnRealPhone)
    }

    pub(super) fn scanning(&self, openid: &Openid, code: &str) -> Result<Option<Act>, SandboxError> {
        let act = self.keeper().change().scan(openid, code, self.now())?;
        self.tell_face(openid);
        Ok(act)
    }

    /// The platform takes the act: the customer sees their own words at once.
    pub(super) fn begin(&self, openid: &Openid, act: Act) -> Result<Begun, SandboxError> {
        self.begin_at(openid, act, Moment::Now)
    }

    fn begin_at(&self, openid: &Openid, act: Act, moment: Moment) -> Result<Begun, SandboxError> {
        let at = self.time(moment);
        let (xml, before) = {
            let mut state = self.keeper().change();
            let before = state.customer(openid)?.last_seq;
            let msg_id = state.next_msg_id(self.fresh());
            state.apply(openid, &act, Stamp { at, msg_id })?;
            let origin = self.webhook_url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
            let to = &self.spec().original_id;
            (act.xml(&Envelope { to, from: openid.as_str(), at, msg_id, origin: &origin }), before)
        };
        self.tell_since(openid, before);
        Ok(Begun { openid: openid.clone(), act, xml, moment })
    }

    fn time(&self, moment: Moment) -> i64 {
        match moment {
            Moment::Now => self.now(),
            Moment::Simulated(at) => at,
        }
    }

    /// Takes an act and delivers it without being waited for; its answer reaches open pages as news.
    pub(super) fn set_off(&self, openid: &Openid, act: Act) -> Result<(), SandboxError> {
        let begun = self.begin(openid, act)?;
        let sandbox = self.clone();
        actix_web::rt::spawn(async move { sandbox.finish(begun).await });
        self.catch_up_soon();
        Ok(())
    }

    /// Delivers the act and shows what came back.
    pub(super) async fn finish(&self, begun: Begun) -> Seen {
        let Begun { openid, act, xml, moment } = begun;
        let unheard = |c: &Customer| c.standing.blacklisted && !matches!(act, Act::Unfollow);
        if self.keeper().read().customer(&openid).is_ok_and(unheard) {
            return Seen::default();
        }
        let delivered = self.deliver(&openid, &xml).await;
        let gave_up = delivered.reply.is_none();
        let before = {
            let mut state = self.keeper().change();
            let before = state.customer(&openid).map_or(0, |c| c.last_seq);
            let answer =
                Answer { reply: delivered.reply, faults: delivered.faults.clone(), act: &act, at: self.time(moment) };
            answer.show(&mut state, &openid);
            before
        };
        let entries = self.tell_since(&openid, before);
        Seen { entries, faults: delivered.faults, gave_up, took_ms: delivered.took_ms }
    }

    /// Somebody at the operator panel answers; the first answer takes the chat over.
    pub async fn agent_says(&self, openid: &Openid, words: &str) -> Result<(), SandboxError> {
        let Act::Text { content, .. } = words_act(words, None)? else { return Err(SandboxError::BadWords) };
        self.agent_joins(openid).await?;
        let now = self.now();
        self.keeper().change().desk.record(Wrote::Agent, openid, (DEMO_AGENT, &content, now));
        self.show(openid, Side::Agent(DEMO_AGENT_NAME.to_owned()), Body::Text { text: content })
    }

    /// The agent ends the chat.
    pub async fn agent_leaves(&self, openid: &Openid) -> Result<(), SandboxError> {
        self.agent_joins(openid).await?;
        self.show(openid, Side::System, Body::line("人工客服已结束会话"))?;
        self.send(openid, Act::AgentLeft { agent: DEMO_AGENT.to_owned() }).await?;
        Ok(())
    }

    /// Sees to it that the chat is the agent's, which only a chat that was handed over can be.
    async fn agent_joins(&self, openid: &Openid) -> Result<(), SandboxError> {
        let service = self.keeper().read().customer(openid)?.service.clone();
        match service {
            Service::Bot => return Err(SandboxError::NotHandedOver),
            Service::Waiting => {
                self.send(openid, Act::AgentJoined { agent: DEMO_AGENT.to_owned() }).await?;
            }
            Service::Agent { .. } => {}
        }
        Ok(())
    }

    /// Adds to a chat what came by no delivery.
    fn show(&self, openid: &Openid, side: Side, body: Body) -> Result<(), SandboxError> {
        let before = {
            let mut state = self.keeper().change();
            let now = self.now();
            let customer = state.customer_mut(openid)?;
            let before = customer.last_seq;
            customer.append(now, side, body);
            before
        };
        self.tell_since(openid, before);
        Ok(())
    }

    /// Tells open pages what a chat gained after `seq`, and gives it back.
    pub(super) fn tell_since(&self, openid: &Openid, seq: u64) -> Vec<Entry> {
        let (entries, audience) = {
            let state = self.keeper().read();
            let Ok(customer) = state.customer(openid) else { return Vec::new() };
            (customer.since(seq), customer.audience)
        };
        if audience == Audience::Phone {
            for entry in &entries {
                self.tell(Live::Entry { openid: openid.clone(), entry: entry.clone() });
            }
            self.tell_face(openid);
        }
        entries
    }
}

/// Words as an act.
pub(super) fn words_act(words: &str, menu_id: Option<String>) -> Result<Act, SandboxError> {
    if words.trim().is_empty() || words.chars().count() > LONGEST_WORDS {
        return Err(SandboxError::BadWords);
    }
    Ok(Act::Text { content: words.to_owned(), menu_id })
}

struct Answer<'a> {
    reply: Option<Reply>,
    faults: Vec<String>,
    act: &'a Act,
    at: i64,
}

impl Answer<'_> {
    fn show(self, state: &mut State, openid: &Openid) {
        let Self { reply, faults, act, at } = self;
        let Ok(customer) = state.customer_mut(openid) else { return };
        if !act.shows_answer() || !customer.follows() {
            return;
        }
        let Some(reply) = reply else {
            let line = Body::Failure { text: OUT_OF_ORDER.to_owned() };
            customer.append(at, Side::System, line).details = faults;
            return;
        };
        let handed_over = matches!(reply, Reply::HandOver { .. }) && act.is_message();
        let (body, mut details) = model::shown(reply, act);
        details.extend(faults);
        if handed_over && customer.service == Service::Bot {
            customer.service = Service::Waiting;
        }
        if let Some(body) = body {
            let side = if matches!(body, Body::Line { .. }) { Side::System } else { Side::Account };
            customer.append(at, side, body).details = details;
        }
    }
}
