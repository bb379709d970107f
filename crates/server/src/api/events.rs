//! Publishing: one event, a batch, and the deprecated form (contract 12.5–12.15, 12.20).

use bellwire_hub::ChannelInfo;
use bellwire_protocol::publish::{Info, Publish, Refused, Rules};
use bellwire_protocol::{ChannelName, JsonStr, server};
use http::StatusCode;
use smallvec::SmallVec;

use super::{Call, refused};
use crate::gateway::{Congestion, Errands};
use crate::http::Answer;

impl Call<'_> {
    /// `POST /events`.
    pub(super) async fn events(&self) -> Result<Answer, Answer> {
        self.house.switchboard.room().await;
        let rules = self.rules();
        let publish = if self.body.is_empty() {
            Publish::from_query(&self.query, rules)
        } else {
            Publish::parse(self.text()?, rules)
        };
        let publish = publish.map_err(refused)?;
        self.check_info(publish.info)?;
        self.check_message_quota()?;
        let known = self.publish(&publish);
        self.let_readers_catch_up(std::slice::from_ref(&publish)).await;
        if publish.info.is_empty() {
            return Ok(Answer::done());
        }
        let named = publish.channels.iter().zip(&known).map(|(channel, known)| {
            let name = JsonStr::encode(channel.as_str());
            format!("{}:{}", name.literal(), attributes(channel, publish.info, *known))
        });
        let channels = named.collect::<Vec<_>>().join(",");
        Ok(super::json(format!(r#"{{"channels":{{{channels}}}}}"#)))
    }

    /// `POST /batch_events`: all events or none.
    pub(super) async fn batch_events(&self) -> Result<Answer, Answer> {
        self.house.switchboard.room().await;
        let batch = Publish::parse_batch(self.text()?, self.rules()).map_err(refused)?;
        batch.iter().try_for_each(|publish| self.check_info(publish.info))?;
        self.check_message_quota()?;
        let known: Vec<_> = batch.iter().map(|publish| self.publish(publish)).collect();
        self.let_readers_catch_up(&batch).await;
        if batch.iter().all(|publish| publish.info.is_empty()) {
            return Ok(Answer::done());
        }
        // A batch item has one channel, whose attributes stand without its name.
        let bare = batch.iter().zip(&known).flat_map(|(publish, known)| {
            let of_each = publish.channels.iter().zip(known);
            of_each.map(|(channel, known)| attributes(channel, publish.info, *known))
        });
        let answers = bare.collect::<Vec<_>>().join(",");
        Ok(super::json(format!(r#"{{"batch":[{answers}]}}"#)))
    }

    /// The deprecated `POST /channels/{channel}/events`.
    pub(super) async fn channel_events(&self, channel: ChannelName) -> Result<Answer, Answer> {
        self.house.switchboard.room().await;
        let publish = Publish::deprecated(channel, &self.query, self.text()?, self.rules());
        let publish = publish.map_err(refused)?;
        self.check_info(publish.info)?;
        self.check_message_quota()?;
        self.publish(&publish);
        self.let_readers_catch_up(std::slice::from_ref(&publish)).await;
        Ok(Answer::empty(StatusCode::ACCEPTED))
    }

    /// Publishes to every channel; what is known of each right after it.
    fn publish(&self, publish: &Publish<'_>) -> SmallVec<[ChannelInfo; 1]> {
        let asked = !publish.info.is_empty();
        self.app.usage.count_messages(if asked { 2 } else { 1 });
        let _errands = Errands::begin();
        let to = |channel| {
            let frame = server::event(&publish.name, channel, &publish.data, None);
            self.house.hub.publish(self.now_ms, &self.app, channel, frame, publish.except)
        };
        publish.channels.iter().map(to).collect()
    }

    /// Keeps the publisher waiting for its answer while a crowd on its channels is behind.
    async fn let_readers_catch_up(&self, published: &[Publish<'_>]) {
        let congestion = &self.house.switchboard.congestion;
        if !congestion.is_anywhere() {
            return;
        }
        let deadline = Congestion::deadline();
        for channel in published.iter().flat_map(|publish| &publish.channels) {
            if let Some(id) = self.house.hub.channel_id(&self.app, channel) {
                congestion.relieved(id, deadline).await;
            }
        }
    }

    /// Counts of subscriptions are there only where the app has them switched on (contract 12.8).
    pub(super) fn check_info(&self, info: Info) -> Result<(), Answer> {
        if info.subscription_count && !self.app.live().settings.subscription_count {
            let line =
                "subscription_count is not enabled for this app: switch it on in its settings";
            return Err(Answer::bad(line));
        }
        Ok(())
    }

    fn rules(&self) -> Rules {
        let live = self.app.live();
        Rules {
            data_bytes_max: live.settings.max_event_bytes,
            strict_names: live.settings.strict_event_names,
        }
    }

    fn text(&self) -> Result<&str, Answer> {
        let not_utf8 = |_| refused(Refused::Bad("Expected the body to be UTF-8".into()));
        std::str::from_utf8(self.body).map_err(not_utf8)
    }
}

/// The attributes that were asked for, as a JSON object.
fn attributes(channel: &ChannelName, info: Info, known: ChannelInfo) -> String {
    let mut attributes = Vec::new();
    // Where a user count does not apply it is silently absent (contract 12.7).
    if info.user_count && channel.kind().is_presence() {
        attributes.push(format!(r#""user_count":{}"#, known.users));
    }
    if info.subscription_count {
        attributes.push(format!(r#""subscription_count":{}"#, known.subscriptions));
    }
    format!("{{{}}}", attributes.join(","))
}
