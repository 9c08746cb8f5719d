#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include <thread>

#include "conformance/store_contract.hpp"
#include "driver/common/descriptor.hpp"

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::Not;

/// Far more than a hint takes, and far less than the patience of `soon`.
constexpr auto kPrompt = 2s;

driver::Descriptor make_event() {
  return driver::Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/// The peer is told within the time.
void expect_hint(Peer& listener, const char* of_what) {
  const auto start = BootClock::now();
  EXPECT_THAT(listener.session().wait(start + 5s, -1), Not(IsEmpty())) << of_what;
  EXPECT_LT(BootClock::now() - start, kPrompt) << of_what;
}

TEST_P(StoreContract, TellsASessionThatIsWaitingAlready) {
  Peer listener = peer("listener");
  Peer other = peer("other");
  settle({&listener, &other});
  listener.hear_out();
  const driver::Descriptor waits = make_event();
  MonotonicTime told{};
  std::jthread waiting([&] {
    ::eventfd_write(waits.get(), 1);
    EXPECT_THAT(listener.session().wait(soon(), -1), Not(IsEmpty()));
    told = BootClock::now();
  });
  EXPECT_TRUE(driver::wait_readable(waits.get(), -1, soon()).first);
  const MonotonicTime start = BootClock::now();
  other.leave();
  waiting.join();
  EXPECT_LT(told - start, kPrompt);
}

TEST_P(StoreContract, TellsOfEachKindOfChange) {
  Peer listener = peer("listener");
  settle({&listener});
  Peer other = peer("other");
  listener.hear_out();
  other.sync();
  expect_hint(listener, "a join");
  listener.sync();
  listener.sync();
  listener.hear_out();
  EXPECT_TRUE(other.sync().settled);
  expect_hint(listener, "the view is settled");
  other.request.held = {"job"};
  other.sync();
  listener.sync();
  listener.hear_out();
  other.request.held = {};
  other.sync();
  expect_hint(listener, "a hold is gone");
  listener.sync();
  listener.hear_out();
  ASSERT_TRUE(other.session().request_drain(listener.id(), soon()));
  expect_hint(listener, "a drain request");
  listener.sync();
  listener.hear_out();
  other.leave();
  expect_hint(listener, "a leave");
}

TEST_P(StoreContract, KeepsQuietWhileOnlyLeasesAreRenewed) {
  Peer listener = peer("listener");
  Peer other = peer("other");
  settle({&listener, &other});
  listener.sync();
  listener.hear_out();
  for (int round = 0; round < 10; ++round) other.sync();
  EXPECT_THAT(listener.session().wait(BootClock::now() + 150ms, -1), IsEmpty());
}

TEST_P(StoreContract, ReturnsFromAWaitAtOnceWhenTheDescriptorIsReadable) {
  Peer listener = peer("listener");
  settle({&listener});
  listener.hear_out();
  const driver::Descriptor wake = make_event();
  std::jthread waker([&] { ::eventfd_write(wake.get(), 1); });
  const auto start = BootClock::now();
  EXPECT_THAT(listener.session().wait(start + 5s, wake.get()), IsEmpty());
  EXPECT_LT(BootClock::now() - start, kPrompt);
  EXPECT_TRUE(driver::wait_readable(wake.get(), -1, BootClock::now()).first)
      << "the caller is the one who empties it";
}

TEST_P(StoreContract, WaitsUntilTheGivenTime) {
  Peer listener = peer("listener");
  settle({&listener});
  listener.hear_out();
  const auto start = BootClock::now();
  EXPECT_THAT(listener.session().wait(start + 120ms, -1), IsEmpty());
  const auto took = BootClock::now() - start;
  EXPECT_GE(took, 120ms);
  EXPECT_LT(took, kPrompt);
}

TEST_P(StoreContract, WaitsAlsoBeforeTheFirstCall) {
  Peer early = peer("early");
  const driver::Descriptor wake = make_event();
  ::eventfd_write(wake.get(), 1);
  const auto start = BootClock::now();
  [[maybe_unused]] const auto hints = early.session().wait(start + 5s, wake.get());
  EXPECT_LT(BootClock::now() - start, kPrompt);
  early.sync();
}

TEST_P(StoreContract, DoesNotSpinInAWait) {
  Peer listener = peer("listener");
  settle({&listener});
  listener.hear_out();
  const auto cpu_time = [] {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  };
  const auto before = cpu_time();
  EXPECT_THAT(listener.session().wait(BootClock::now() + 300ms, -1), IsEmpty());
  EXPECT_LT(cpu_time() - before, 60ms);
}

}  // namespace
}  // namespace nodepool::conformance
