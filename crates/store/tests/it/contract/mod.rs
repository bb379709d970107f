//! The contracts of the ports, as laws that every adapter keeps. A law knows the ports and nothing of
//! what is behind them; [`apps_contract`] and its like make a test of each law for one adapter.

use bellwire_accounts::AccountStore;
use bellwire_hub::AppStore;
use bellwire_live::LiveStore;
use bellwire_store::StoreError;
use bellwire_webhooks::ledger::Ledger;
use bellwire_webhooks::outbox::Outbox;

pub(crate) mod accounts;
pub(crate) mod apps;
pub(crate) mod deliveries;
pub(crate) mod desk;
pub(crate) mod endpoints;
pub(crate) mod live;
pub(crate) mod outbox;
pub(crate) mod replays;
pub(crate) mod retention;
pub(crate) mod state;
pub(crate) mod things;

/// An empty place to which all ports lead.
pub(crate) trait Place {
    /// The ports for people.
    type Store: AppStore<Error = StoreError>
        + AccountStore<Error = StoreError>
        + LiveStore<Error = StoreError>
        + Ledger<Error = StoreError>;

    /// The ports for people.
    fn store(&self) -> &Self::Store;

    /// The same, opened once more, as another process does.
    fn again(&self) -> Self::Store;

    /// The port for the engine, opened anew as a server does at its start.
    fn outbox(&self) -> Box<dyn Outbox>;
}

/// Makes a test of each of these laws.
macro_rules! laws {
    ($make:expr, $contract:ident: $($law:ident)+) => {
        $(
            #[test]
            fn $law() {
                $crate::contract::$contract::$law(&$make());
            }
        )+
    };
}
pub(crate) use laws;

/// Tests an adapter of `AppStore`. The argument makes an empty [`Place`].
macro_rules! apps_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, apps:
            what_is_put_is_there_after_a_restart
            a_key_has_one_app_and_a_refused_put_changes_nothing
            of_many_who_start_at_once_one_makes_the_first_app
            another_process_is_noticed_by_the_version
            an_app_takes_its_endpoints_along
            an_app_takes_its_tokens_along
            an_app_takes_its_statistics_along_and_nobody_else_notices_them
            an_app_has_the_plan_of_its_account_and_a_new_plan_is_noticed
        }
    };
}
pub(crate) use apps_contract;

/// Tests an adapter of `LiveStore`. The argument makes an empty [`Place`].
macro_rules! live_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, live:
            what_is_added_to_a_point_adds_up
            the_messages_of_a_day_are_those_of_its_hours
            the_same_mistake_of_another_day_is_the_same
            an_app_has_its_latest_mistakes_only
            what_is_too_old_goes
        }
    };
}
pub(crate) use live_contract;

/// Tests an adapter of `AccountStore`. The argument makes an empty [`Place`].
macro_rules! accounts_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, accounts:
            somebody_is_found_by_email_with_the_password
            an_email_belongs_to_one
            an_operator_is_noticed
            who_makes_the_first_operator_stays_until_there_is_one
            an_account_never_loses_its_last_owner
            who_is_removed_takes_sessions_along_but_leaves_no_account_without_an_owner
            accounts_are_listed_by_name_and_changed
            an_invitation_is_used_once_and_ends
            a_session_is_found_until_it_is_ended
            a_token_is_found_by_its_digest_until_it_is_revoked
            a_use_of_a_token_is_written_down_once_a_minute
            what_was_done_is_found_newest_first
            what_is_over_is_swept
        }
    };
}
pub(crate) use accounts_contract;

/// Tests an adapter of `Outbox`. The argument makes an empty [`Place`].
macro_rules! outbox_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, outbox:
            a_new_place_has_no_remains
            what_is_kept_is_found_after_a_restart
            what_is_taken_back_is_announced_no_more
            a_second_occupied_fails_the_whole_transaction
            a_second_member_added_fails
            a_vacated_of_what_is_not_announced_fails
            what_comes_and_goes_in_one_transaction_is_judged_too
            a_transaction_that_is_offered_twice_is_kept_once
            a_transaction_that_failed_can_be_offered_with_other_steps
            numbers_may_be_left_out
            ten_thousand_events_fit_into_one_transaction
            skipped_places_are_taken
            a_lane_is_read_in_order_after_a_place
            a_batch_that_has_ended_is_not_open
            who_has_caught_up_and_paid_is_forgotten
            only_what_was_sent_live_counts_as_the_last_place_of_a_lane
            what_is_said_of_a_removed_endpoint_leaves_nothing
            an_endpoint_that_is_removed_has_no_remains
            the_server_does_not_disable_what_a_person_has_disabled
            commits_are_not_noticed_by_the_version
        }
    };
}
pub(crate) use outbox_contract;

/// Tests what an adapter of `Outbox` sweeps away.
macro_rules! retention_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, retention:
            what_is_young_stays
            delivered_batches_go_before_failed_ones
            an_open_batch_stays_however_old_it_is
            a_batch_that_is_gone_does_not_give_its_id_or_place_away
            old_events_go_unless_somebody_waits_for_them
            of_a_lane_the_oldest_go_first_even_if_the_clock_went_back
            a_running_replay_holds_what_it_has_not_repeated
            what_was_waited_for_too_long_is_owed_and_told
            old_gaps_and_replays_go
            much_goes_in_parts
            above_the_cap_the_least_missed_goes_first
            a_log_that_was_swept_is_in_order
        }
    };
}
pub(crate) use retention_contract;

/// Tests an adapter of `Ledger`. The argument makes an empty [`Place`].
macro_rules! ledger_contract {
    ($make:expr) => {
        $crate::contract::laws! { $make, endpoints:
            an_endpoint_is_found_as_it_was_put
            endpoints_of_an_app_are_listed_oldest_first
            secrets_count_only_with_a_new_endpoint
            terms_change_in_place
            who_is_enabled_again_has_no_past_of_failure
            a_new_secret_ends_the_older_ones
            with_an_endpoint_goes_its_history
            changes_are_those_that_the_server_must_notice
        }
        $crate::contract::laws! { $make, deliveries:
            deliveries_are_listed_newest_first_in_pages
            deliveries_are_found_by_app_endpoint_and_state
            deliveries_are_found_by_channel_and_event
            deliveries_are_found_by_when_they_were_cut
            a_delivery_has_every_attempt
            gaps_are_listed_newest_first
        }
        $crate::contract::laws! { $make, replays:
            a_replay_of_the_log_does_not_chase_it
            a_replay_of_the_log_repeats_what_its_filter_lets_through
            a_replay_of_failed_batches_repeats_live_ones_in_order
            a_replay_of_one_delivery_repeats_it_once_whatever_became_of_it
            a_replay_is_counted_first
            a_replay_needs_its_endpoint
            replays_that_run_are_always_listed
            what_is_cancelled_stays_cancelled
        }
        $crate::contract::laws! { $make, state:
            a_snapshot_names_channels_before_their_members
            a_snapshot_and_the_log_after_it_give_the_truth
            a_log_in_order_is_found_in_order
            halves_of_a_batch_do_not_overlap_with_it
            batches_that_overlap_are_found
        }
    };
}
pub(crate) use ledger_contract;
