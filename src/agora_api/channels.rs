//! `GET /dev/v1/channel/{appid}`: one page of a project's live channels.

use futures_util::stream::{self, Stream};
use serde::Deserialize;

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::wire::{Count, null_as_default};
use crate::domain::{AppId, Channel};

const ENDPOINT: &str = "GET channels";

/// Largest page that the platform serves.
pub const MAX_PAGE_SIZE: u32 = 500;

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelPage {
    /// Channels as listed; those move between pages while one reads.
    pub channels: Vec<Channel>,
    /// How many channels the project has, according to this page.
    pub total_channels: i64,
}

#[derive(Debug, Deserialize)]
struct Body {
    data: WirePage,
}

#[derive(Debug, Deserialize)]
struct WirePage {
    #[serde(default, deserialize_with = "null_as_default")]
    channels: Vec<WireChannel>,
    #[serde(default)]
    total_size: Count,
}

#[derive(Debug, Deserialize)]
struct WireChannel {
    channel_name: String,
    #[serde(default)]
    user_count: Count,
}

impl AgoraApi {
    /// Page `page_no` (from 0) of `page_size` (1 to [`MAX_PAGE_SIZE`]) channels.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good, or a count is no whole number.
    pub async fn channel_page(
        &self,
        app_id: &AppId,
        page_no: u32,
        page_size: u32,
    ) -> Result<Reply<ChannelPage>, ApiError> {
        let query = [("page_no", page_no.to_string()), ("page_size", page_size.to_string())];
        let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
        let path = ["dev", "v1", "channel", app_id.as_str()];
        let call = Call::get(Family::ChannelList, ENDPOINT, &path, &query);
        let reply: Reply<Body> = self.send(call).await?;
        reply.try_map(ENDPOINT, |body| page(body.data))
    }
}

impl AgoraApi {
    /// The pages of a project's channels one after another, until one is empty or fails.
    ///
    /// Channels move between pages while one reads; the caller judges what it saw.
    pub fn channel_pages<'a>(
        &'a self,
        app_id: &'a AppId,
        page_size: u32,
    ) -> impl Stream<Item = Result<Reply<ChannelPage>, ApiError>> + 'a {
        stream::try_unfold(Some(0_u32), move |page_no| async move {
            let Some(page_no) = page_no else { return Ok(None) };
            let page = self.channel_page(app_id, page_no, page_size).await?;
            let next = (!page.value.channels.is_empty()).then(|| page_no.saturating_add(1));
            Ok(Some((page, next)))
        })
    }
}

fn page(wire: WirePage) -> Result<ChannelPage, String> {
    let known = |count: Count, what: &str| match count {
        Count::Known(value) => Ok(value),
        Count::Unknown => Err(format!("{what} is missing")),
        Count::Odd(text) => Err(format!("{what} is {text}, not a whole number")),
    };
    let channels = wire.channels.into_iter().map(|channel| {
        let what = format!("user_count of channel {:?}", channel.channel_name);
        Ok(Channel { user_count: known(channel.user_count, &what)?, name: channel.channel_name })
    });
    Ok(ChannelPage {
        channels: channels.collect::<Result<_, String>>()?,
        total_channels: known(wire.total_size, "total_size")?,
    })
}

/// Decodes a body without a call.
pub(crate) fn decoded(body: &str) -> Result<ChannelPage, String> {
    page(serde_json::from_str::<Body>(body).map_err(|error| error.to_string())?.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(json: &str) -> Result<ChannelPage, String> {
        page(serde_json::from_str::<Body>(json).map_err(|error| error.to_string())?.data)
    }

    #[test]
    fn a_page_is_read_in_either_order_of_its_keys() {
        let page = decode(
            r#"{"data":{"total_size":1,"channels":[{"user_count":3,"channel_name":"lkj144"}]},"success":true}"#,
        );
        let channels = vec![Channel { name: "lkj144".into(), user_count: 3 }];
        assert_eq!(page, Ok(ChannelPage { channels, total_channels: 1 }));
    }

    #[test]
    fn an_empty_list_is_an_answer_and_a_missing_total_is_not() {
        assert!(decode(r#"{"success":true,"data":{"channels":[],"total_size":0}}"#).is_ok());
        assert!(decode(r#"{"success":true,"data":{"channels":null,"total_size":0}}"#).is_ok());
        assert!(decode(r#"{"success":true,"data":{"channels":[]}}"#).is_err());
        assert!(decode(r#"{"success":true}"#).is_err());
    }
}
