#include <optional>

#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::fuzz {
namespace {

/// A heartbeat at a state that somebody else has written.
void use(std::optional<PoolState> state) {
  static_cast<void>(status_of(*state));
  SyncRequest request{.config = state->config,
                      .node = {.id = NodeId("x"), .name = NodeName("x")},
                      .known = state->view,
                      .sequence = 1,
                      .nonce = "x.1"};
  StoreNow now{.time = std::chrono::seconds(1000), .unix_time = std::chrono::milliseconds(1), .run_id = "r"};
  for (int round = 0; round < 2; ++round) {
    const Epoch before = state->view.epoch;
    const auto outcome = apply_sync(state, request, now);
    if (outcome) expect(state->members.contains(request.node.id), "who was answered is a member");
    expect(state->view.epoch >= before, "an epoch never falls");
    now.time += std::chrono::seconds(1);
    ++request.sequence;
  }
  // At the very limit of time, thousands of years away, the state outgrows what is accepted.
  const auto again = decode_state(encode_state(*state));
  expect(!again || *again == *state, "what a heartbeat has left reads back");
}

}  // namespace

void records(std::string_view bytes) {
  if (const auto node = decode_node(bytes)) {
    expect(decode_node(encode_node(*node)) == *node, "a record reads back");
  }
  if (const auto config = parse_pool_config(bytes)) {
    expect(parse_pool_config(to_string(*config)) == *config, "a configuration reads back");
  }
  const auto state = decode_state(bytes);
  if (!state) {
    expect(state.error().code == ErrorCode::store_corrupt, "what is no state is store_corrupt");
    return;
  }
  expect(decode_state(encode_state(*state)) == *state, "a state reads back");
  use(*state);
}

}  // namespace nodepool::fuzz
