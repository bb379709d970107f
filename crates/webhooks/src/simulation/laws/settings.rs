//! What the engine was told of endpoints, and when.

use std::collections::BTreeMap;

use crate::endpoint::Endpoint;
use crate::ids::EndpointId;

/// Every endpoint with all that it was.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Settings(BTreeMap<EndpointId, Vec<Setting>>);

/// An endpoint from a time on; none: it is gone, or its app is.
#[derive(Debug)]
struct Setting {
    from_ms: u64,
    endpoint: Option<Endpoint>,
}

impl Settings {
    /// The engine hears of all endpoints as they are now.
    pub(in crate::simulation) fn configured(&mut self, now_ms: u64, endpoints: &[Endpoint]) {
        for (id, settings) in &mut self.0 {
            if !endpoints.iter().any(|endpoint| endpoint.id == *id) {
                settings.push(Setting { from_ms: now_ms, endpoint: None });
            }
        }
        for endpoint in endpoints {
            let endpoint = Some(endpoint.clone());
            let id = endpoint.iter().map(|endpoint| endpoint.id.clone()).next().unwrap();
            self.0.entry(id).or_default().push(Setting { from_ms: now_ms, endpoint });
        }
    }

    /// The engine has disabled an endpoint itself.
    pub(in crate::simulation) fn disabled(&mut self, now_ms: u64, id: &EndpointId) {
        let settings = self.0.entry(id.clone()).or_default();
        let mut endpoint = settings.last().and_then(|setting| setting.endpoint.clone());
        if let Some(endpoint) = &mut endpoint {
            let reason = "by the engine".to_owned();
            endpoint.disabled = Some(crate::endpoint::Disabled { reason, at_ms: now_ms });
        }
        settings.push(Setting { from_ms: now_ms, endpoint });
    }

    /// The endpoint as it is now, if it is.
    pub(in crate::simulation) fn now(&self, id: &EndpointId) -> Option<&Endpoint> {
        self.0.get(id)?.last()?.endpoint.as_ref()
    }

    /// Whether an endpoint, or its app, was ever switched off.
    pub(in crate::simulation) fn was_ever_off(&self, id: &EndpointId) -> bool {
        let is_off = |endpoint: &Option<Endpoint>| {
            endpoint.as_ref().is_none_or(|endpoint| endpoint.disabled.is_some())
        };
        self.0.get(id).is_some_and(|all| all.iter().any(|setting| is_off(&setting.endpoint)))
    }

    /// All that an endpoint was between two times, both included.
    pub(in crate::simulation) fn during(
        &self,
        id: &EndpointId,
        from_ms: u64,
        to_ms: u64,
    ) -> impl Iterator<Item = Option<&Endpoint>> {
        let settings = self.0.get(id).map_or(&[][..], Vec::as_slice);
        // What was set at that very moment may have been set before or after what else happened.
        let first = settings.iter().rposition(|setting| setting.from_ms < from_ms).unwrap_or(0);
        let is_missing = settings.get(first).is_none_or(|setting| setting.from_ms >= from_ms);
        let before = is_missing.then_some(None);
        let later = settings[first..].iter().take_while(move |setting| setting.from_ms <= to_ms);
        before.into_iter().chain(later.map(|setting| setting.endpoint.as_ref()))
    }
}
