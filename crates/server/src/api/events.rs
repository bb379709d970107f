//! Publishing: one event, a batch, and the deprecated form (contract 12.5–12.15, 12.20).

use bellwire_hub::ChannelInfo;
use bellwire_protocol::publish::{Info, Publish, Refused};
use bellwire_protocol::{ChannelName, JsonStr};
use http::StatusCode;

use super::{Call, refused};
use crate::http::Answer;

impl Call<'_> {
    /// `POST /events`.
    pub(super) async fn events(&self) -> Result<Answer, Answer> {
        self.house.switchboard.room().await;
        let publisher = self.publisher();
        let rules = publisher.rules();
        let publish = if self.body.is_empty() {
            Publish::from_query(&self.query, rules)
        } else {
            Publish::parse(self.text()?, rules)
        };
        let publish = publish.map_err(refused)?;
        self.check_info(publish.info)?;
        self.check_message_quota()?;
        let known = publisher.publish(&publish);
        publisher.let_readers_catch_up(std::slice::from_ref(&publish)).await;
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
        let publisher = self.publisher();
        let batch = Publish::parse_batch(self.text()?, publisher.rules()).map_err(refused)?;
        batch.iter().try_for_each(|publish| self.check_info(publish.info))?;
        self.check_message_quota()?;
        let known: Vec<_> = batch.iter().map(|publish| publisher.publish(publish)).collect();
        publisher.let_readers_catch_up(&batch).await;
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
        let publisher = self.publisher();
        let publish = Publish::deprecated(channel, &self.query, self.text()?, publisher.rules());
        let publish = publish.map_err(refused)?;
        self.check_info(publish.info)?;
        self.check_message_quota()?;
        publisher.publish(&publish);
        publisher.let_readers_catch_up(std::slice::from_ref(&publish)).await;
        Ok(Answer::empty(StatusCode::ACCEPTED))
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
