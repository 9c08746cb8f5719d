// A pool whose store fails, hangs or refuses, and whose callbacks misbehave.

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>

#include "nodepool/pool.hpp"
#include "support/faulty_driver.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::FaultyDriver;
using test::hasty;
using test::kService;
using test::patient;
using Mode = FaultyDriver::Mode;

std::shared_ptr<FaultyDriver> faulty(Mode mode = Mode::good, std::shared_ptr<Driver> store = open_memory()) {
  auto driver = std::make_shared<FaultyDriver>(std::move(store));
  driver->set(mode);
  return driver;
}

TEST(PoolTrouble, AStartOnADeadStoreTimesOutAndSaysWhy) {
  NodePool pool(kService, faulty(Mode::fail), patient("a"));
  const auto started = pool.start(100ms);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::timed_out);
  EXPECT_NE(started.error().message.find("the cable is cut"), std::string::npos) << started.error().message;
  EXPECT_NE(started.error().message.find("not steady within 100 ms"), std::string::npos);
  EXPECT_EQ(pool.state(), NodeState::stopped);
}

TEST(PoolTrouble, AStartThatTimedOutMayBeTriedAgain) {
  const auto store = faulty(Mode::fail);
  NodePool pool(kService, store, patient("a"));
  ASSERT_FALSE(pool.start(50ms).has_value());
  store->set(Mode::good);
  EXPECT_TRUE(pool.start().has_value());
}

TEST(PoolTrouble, AStartBesideAStalledMemberNamesItAsTheCause) {
  const auto memory = open_memory();
  const auto stalled_line = faulty(Mode::good, memory);
  NodePool stalled(kService, stalled_line, patient("stalled"));
  ASSERT_TRUE(stalled.start().has_value());
  stalled_line->set(Mode::hang);
  NodePool pool(kService, memory, patient("a"));
  const auto started = pool.start(300ms);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("not every member has acknowledged"), std::string::npos)
      << started.error().message;
  stalled_line->set(Mode::good);
}

TEST(PoolTrouble, AnErrorThatIsOverIsNotBlamed) {
  const auto memory = open_memory();
  const auto stalled_line = faulty(Mode::good, memory);
  NodePool stalled(kService, stalled_line, patient("stalled"));
  ASSERT_TRUE(stalled.start().has_value());
  stalled_line->set(Mode::hang);
  const auto line = faulty(Mode::fail, memory);
  NodePool pool(kService, line, patient("a"));
  std::jthread mender([&] {
    static_cast<void>(eventually([&] { return line->syncs() > 1; }));
    line->set(Mode::good);
  });
  const std::string message = pool.start(1500ms).error().message;
  EXPECT_EQ(message.find("cable"), std::string::npos) << message;
  stalled_line->set(Mode::good);
}

TEST(PoolTrouble, ARefusalEndsTheStartAtOnce) {
  NodePool pool(kService, faulty(Mode::refuse), patient("a"));
  const auto started = pool.start(60s);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::permission_denied);
}

TEST(PoolTrouble, AStartCanBeCancelled) {
  NodePool pool(kService, faulty(Mode::fail), patient("a"));
  std::stop_source cancel;
  std::jthread canceller([&] { cancel.request_stop(); });
  const auto started = pool.start(60s, cancel.get_token());
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::cancelled);
  EXPECT_EQ(pool.state(), NodeState::stopped);
}

TEST(PoolTrouble, AnyTimeoutIsAcceptedByStart) {
  NodePool negative(kService, faulty(Mode::fail), patient("a"));
  EXPECT_EQ(negative.start(-1h).error().code, ErrorCode::timed_out);
  NodePool endless(kService, open_memory(), patient("a"));
  EXPECT_TRUE(endless.start(std::chrono::milliseconds::max()).has_value());
}

TEST(PoolTrouble, AStopEndsAStartThatIsWaiting) {
  const auto store = faulty(Mode::fail);
  NodePool pool(kService, store, patient("a"));
  std::jthread stopper([&] {
    static_cast<void>(eventually([&] { return store->syncs() > 0; }));
    pool.stop();
  });
  const auto started = pool.start(600s);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::wrong_state);
}

TEST(PoolTrouble, ALostLeaseStopsEverythingAndComesBack) {
  const auto store = faulty();
  NodePool pool(kService, store, hasty("a"));
  ASSERT_TRUE(pool.start().has_value());
  const FencingToken before = pool.decide("job").token;
  store->set(Mode::hang);
  ASSERT_TRUE(eventually([&] { return pool.state() == NodeState::suspended; }));
  EXPECT_EQ(pool.decide("job").reason, Reason::lease_lost);
  EXPECT_GE(pool.stats().leases_lost, 1U);
  store->set(Mode::good);
  ASSERT_TRUE(eventually([&] { return pool.is_eligible("job"); }));
  EXPECT_GE(pool.decide("job").token, before);
}

TEST(PoolTrouble, WhatTheLostNodeOwnedMovesAndComesBack) {
  const auto memory = open_memory();
  const auto line = faulty(Mode::good, memory);
  NodePool a(kService, line, hasty("a"));
  NodePool b(kService, memory, hasty("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  line->set(Mode::fail);
  for (const std::string& job : test::some_jobs(20)) {
    EXPECT_TRUE(eventually([&] { return b.is_eligible(job); })) << job;
    EXPECT_FALSE(a.is_eligible(job));
  }
  line->set(Mode::good);
  EXPECT_TRUE(eventually([&] {
    return a.state() == NodeState::steady && b.state() == NodeState::steady && b.nodes().size() == 2;
  }));
}

TEST(PoolTrouble, LostRepliesDoNotKeepANodeOut) {
  const auto line = faulty(Mode::lose_reply);
  NodePool pool(kService, line, patient("a"));
  std::jthread mender([&] {
    static_cast<void>(eventually([&] { return line->syncs() >= 3; }));
    line->set(Mode::good);
  });
  EXPECT_TRUE(pool.start().has_value());
}

TEST(PoolTrouble, NothingIsEligibleFromTheCallOfStopOnEvenWhileTheStoreHangs) {
  const auto store = faulty();
  PoolOptions options = patient("a");
  options.store_timeout = 10s;
  NodePool pool(kService, store, options);
  ASSERT_TRUE(pool.start().has_value());
  store->set(Mode::hang);
  const int before = store->syncs();
  ASSERT_TRUE(eventually([&] { return store->syncs() > before; }));
  ASSERT_TRUE(pool.is_eligible("job"));
  std::jthread stopper([&] { pool.stop(); });
  EXPECT_TRUE(eventually([&] { return !pool.is_eligible("job"); }, 5s)) << "it waited for the store";
  EXPECT_FALSE(pool.try_claim("job").has_value());
  store->set(Mode::good);
}

TEST(PoolTrouble, AStopIsBoundedWhenTheStoreIsDead) {
  const auto store = faulty();
  PoolOptions options = patient("a");
  options.store_timeout = 200ms;
  NodePool pool(kService, store, options);
  ASSERT_TRUE(pool.start().has_value());
  store->set(Mode::hang);
  const MonotonicTime begun = BootClock::now();
  pool.stop();
  EXPECT_LT(BootClock::now() - begun, 5s);
  EXPECT_EQ(pool.state(), NodeState::stopped);
}

TEST(PoolTrouble, ADriverThatThrowsFencesTheNodeAndIsCounted) {
  const auto store = faulty();
  PoolOptions options = patient("a");
  options.lease = 3s;  // the second life has to wait for the first one's
  NodePool pool(kService, store, options);
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  store->set(Mode::hurl);
  ASSERT_TRUE(eventually([&] { return pool.stats().bugs == 1; }));
  ASSERT_TRUE(eventually([&] { return claim->stop_token().stop_requested(); }));
  EXPECT_FALSE(pool.is_eligible("job"));
  EXPECT_FALSE(claim->valid());
  claim.reset();
  store->set(Mode::good);
  EXPECT_TRUE(pool.start().has_value()) << "and it may be started again";
}

/// A driver whose sessions cannot be had.
class ClosedDriver final : public Driver {
 public:
  explicit ClosedDriver(bool throws) : throws_(throws) {}
  std::string describe() const override { return "closed"; }
  Capabilities capabilities() const noexcept override { return {}; }
  std::unique_ptr<Session> open(const ServiceName& /*service*/) override {
    if (throws_) throw std::runtime_error("no session today");
    return nullptr;
  }

 private:
  const bool throws_;
};

TEST(PoolTrouble, ADriverWithoutSessionsIsAnErrorNotACrash) {
  for (const bool throws : {false, true}) {
    NodePool pool(kService, std::make_shared<ClosedDriver>(throws), patient("a"));
    EXPECT_FALSE(pool.start().has_value());
    EXPECT_EQ(pool.state(), NodeState::stopped);
    pool.stop();
  }
}

// ---- callbacks

TEST(PoolCallbacks, WhatTheyThrowIsCounted) {
  PoolOptions options = patient("a");
  options.on_state_change = [](NodeState, const View&) { throw std::runtime_error("listener"); };
  options.on_view_change = [](const View&) { throw 5; };
  options.logger = [](LogLevel, std::string_view, std::span<const LogField>) { throw "logger"; };
  NodePool pool(kService, open_memory(), options);
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(eventually([&] { return pool.stats().callbacks_failed >= 3; }));
  EXPECT_TRUE(pool.is_eligible("job"));
}

TEST(PoolCallbacks, WhoHearsOfAChangeFindsItMade) {
  NodePool* self = nullptr;
  std::atomic<int> wrong{0}, heard{0};
  PoolOptions options = patient("a");
  options.on_state_change = [&](NodeState state, const View&) {
    if (state != NodeState::steady) return;
    ++heard;
    wrong += self->is_eligible("job") ? 0 : 1;
  };
  NodePool pool(kService, open_memory(), options);
  self = &pool;
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(eventually([&] { return heard == 1; }));
  EXPECT_EQ(wrong, 0);
}

TEST(PoolCallbacks, AClaimCanBeTakenInsideOne) {
  NodePool* self = nullptr;
  std::atomic<int> taken{0};
  PoolOptions options = patient("a");
  options.on_state_change = [&](NodeState state, const View&) {
    if (state == NodeState::steady) taken += self->try_claim("job") ? 1 : 0;
  };
  NodePool pool(kService, open_memory(), options);
  self = &pool;
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(eventually([&] { return taken == 1; }));
  EXPECT_TRUE(eventually([&] { return pool.try_claim("job").has_value(); }))
      << "it is released at the callback's end";
}

TEST(PoolCallbacks, AStopInsideOneDoesNotDeadlock) {
  NodePool* self = nullptr;
  PoolOptions options = patient("a");
  options.heartbeat = 1h;
  options.lease = 4h;
  options.on_view_change = [&](const View&) { self->stop(); };
  NodePool pool(kService, open_memory(), options);
  self = &pool;
  EXPECT_FALSE(pool.start(10s).has_value());
  EXPECT_TRUE(eventually([&] { return pool.state() == NodeState::stopped; }));
}

TEST(PoolCallbacks, AStartInsideOneIsRefused) {
  NodePool* self = nullptr;
  std::atomic<bool> refused{false};
  PoolOptions options = patient("a");
  options.on_view_change = [&](const View&) { refused = !self->start().has_value(); };
  NodePool pool(kService, open_memory(), options);
  self = &pool;
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace nodepool
