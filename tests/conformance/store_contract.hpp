#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "nodepool/driver.hpp"
#include "support/membership.hpp"

/// One suite for every store that promises the view protocol. A driver takes part with a file of its own that
/// says
///
///     INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(StoreParameter{"memory",
///     make_store}));

namespace nodepool::conformance {

/// A store that is fresh and empty, for one test.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  /// A driver on the store, independent of those given out before as far as the store allows.
  virtual std::shared_ptr<Driver> connect() = 0;
  /// Whether the very first pool of the store starts behind the barrier.
  [[nodiscard]] virtual bool first_pool_is_behind_barrier() const = 0;
};

struct StoreParameter {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};
/// For INSTANTIATE_TEST_SUITE_P: the last part of a test's name.
inline std::string name_of(const testing::TestParamInfo<StoreParameter>& parameter) {
  return parameter.param.name;
}
inline void PrintTo(const StoreParameter& parameter, std::ostream* out) {
  *out << parameter.name;
}

/// For tests that wait for the end of a lease: 300 ms.
PoolConfig short_lease();
/// For most tests: a barrier is soon over, and nobody is evicted while he speaks now and then: one second.
PoolConfig middle_lease();
/// For tests in which no lease and no barrier may end.
PoolConfig long_lease();

/// When a call of a test must be done.
MonotonicTime soon();

/// A node as the store sees it: says what it knows, and adopts what it is told.
class Peer {
 public:
  /// Any number of peers may have the same name; ids are unique in a test program.
  Peer(Driver& driver, const ServiceName& service, const std::string& name, const PoolConfig& config);

  /// The next heartbeat. Adopts the view of the reply, which has all members if this peer did not know it.
  Result<SyncReply> try_sync();
  /// The same; an error is a failure of the test.
  SyncReply sync();
  /// The next heartbeat as a leaving node. Forgets the view: the next `sync` joins again.
  SyncReply leave();
  /// Renews the lease until the reply fulfils the condition; a failure of the test after twenty seconds.
  SyncReply sync_until(const std::function<bool(const SyncReply&)>& condition);

  [[nodiscard]] const NodeId& id() const { return request.node.id; }
  [[nodiscard]] Session& session() { return *session_; }
  /// Waits until nothing has been heard for a moment, so that the next hint is a new one.
  void hear_out();

  SyncRequest request;  ///< What the next heartbeat says; sequence and nonce are set by `try_sync`.

 private:
  std::unique_ptr<Session> session_;
  test::Membership membership_;
};

class StoreContract : public testing::TestWithParam<StoreParameter> {
 protected:
  void SetUp() override { store_ = GetParam().make(); }

  std::shared_ptr<Driver> connect() { return store_->connect(); }
  /// A peer with a driver of its own.
  Peer peer(const std::string& name, const PoolConfig& config = middle_lease(),
            const ServiceName& service = ServiceName("service"));
  /// Heartbeats of all until every reply says settled, all for one view.
  static void settle(const std::vector<Peer*>& peers);

  std::unique_ptr<StoreUnderTest> store_;

 private:
  std::vector<std::shared_ptr<Driver>> drivers_;
};

/// The ids of a reply's members; empty where it has none.
std::vector<NodeId> ids_of(const SyncReply& reply);
/// The ids of peers in the order in which replies have members: by name, then id.
std::vector<NodeId> ids_of(std::vector<const Peer*> peers);

}  // namespace nodepool::conformance
