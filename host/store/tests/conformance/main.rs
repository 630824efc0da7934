//! What every store must do, written against the ports alone and run on each backend.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

mod breakers;
mod catalogue;
mod events;
mod lists;
mod pages;
mod runs;
mod samples;
mod secrets;
mod tenants;

use model::breaker::BreakerStore;
use model::store::{Catalogue, RecordStore, Vault};

/// All ports of one store.
trait Ports: RecordStore + Catalogue + Vault + BreakerStore {}

impl<T: RecordStore + Catalogue + Vault + BreakerStore> Ports for T {}

/// Runs the suite on what `$open` opens: a store with nothing in it, and a guard that is dropped
/// after it.
macro_rules! suite {
    ($backend:ident, $open:path: $($module:ident { $($test:ident)* })*) => {
        mod $backend {
            $($(
                #[tokio::test]
                async fn $test() {
                    let (store, guard) = $open();
                    Box::pin(super::$module::$test(&store)).await;
                    drop(store);
                    drop(guard);
                }
            )*)*
        }
    };
}

fn open_redb() -> (store::Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = model::Clock::manual(samples::at(0));
    (store::Store::open(dir.path(), clock).unwrap(), dir)
}

suite! { redb, crate::open_redb:
    pages {
        page_is_counted_by_what_it_changes
        version_or_contents_make_a_record_differ
        last_word_on_an_id_counts_once
        gone_record_keeps_its_payload_and_is_counted_once
        tombstone_of_an_unknown_record_leaves_no_trace
        record_that_comes_back_is_inserted_again
        records_of_other_entities_count_for_the_lane
        rejects_are_kept_with_their_reason_and_cut
        values_beyond_the_limits_are_refused_by_name
        refused_page_leaves_nothing
        pages_of_a_run_are_committed_in_their_order
        pages_of_a_run_end_at_the_first_that_fails
        pages_that_come_together_are_all_whole
    }
    runs {
        runs_are_counted_from_one
        older_run_is_fenced_off
        run_that_never_began_is_invalid
        unfinished_run_is_interrupted_by_the_next
        ended_run_takes_no_page_and_no_second_end
        report_adds_up_over_pages_and_ends_as_told
        runs_are_listed_newest_first
        lanes_are_where_the_last_page_left_them
        reset_lanes_are_forgotten_and_others_stay
    }
    lists {
        pages_of_a_list_have_no_gaps_and_no_repetitions
        large_list_is_cut_and_goes_on
        every_field_of_a_record_comes_back
        filters_narrow_the_list
        gone_records_are_listed_on_demand
        list_of_another_query_is_not_continued
        filter_without_its_outer_one_is_refused
    }
    events {
        events_are_numbered_without_gaps_and_tell_what_changed
        each_entity_of_a_page_has_its_own_event
        unchanged_page_has_no_event
        ended_and_interrupted_runs_are_events
        events_are_read_on_from_any_number
    }
    tenants {
        tenants_with_the_same_names_never_meet
        prefix_of_a_name_is_another_name
        cursor_of_one_tenant_does_not_open_another
    }
    breakers {
        open_breakers_are_kept_and_closed_ones_forgotten
        every_change_of_a_breaker_is_an_event
    }
    catalogue {
        packages_are_put_replaced_listed_and_removed
        trust_is_remembered_with_and_without_a_package
        connections_are_replaced_and_listed_by_name
        oversized_package_is_refused
    }
    secrets {
        secrets_come_back_by_field
        connection_without_secrets_keeps_those_there
        new_secrets_replace_all_old_ones
        secrets_of_an_unknown_connection_are_invalid
        field_given_twice_is_refused_and_named
    }
}
