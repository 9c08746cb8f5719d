#include "nodepool/memory.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace nodepool {
namespace {

using namespace std::chrono_literals;

SyncRequest first_request(const char* id, const char* nonce) {
  SyncRequest request;
  request.node.id = NodeId(id);
  request.node.name = NodeName("node");
  request.nonce = nonce;
  request.sequence = 1;
  return request;
}

TEST(MemoryDriver, DescribesItselfAndCanDoEverything) {
  const auto driver = open_memory();
  EXPECT_EQ(driver->describe(), "memory");
  const Capabilities can = driver->capabilities();
  EXPECT_TRUE(can.acknowledges && can.holds && can.hints);
}

TEST(MemoryDriver, KeepsThePoolOverSessionsAndApartFromOtherDrivers) {
  const auto driver = open_memory();
  const auto deadline = BootClock::now() + 1s;
  ASSERT_TRUE(driver->open(ServiceName("service"))->sync(first_request("a", "n1"), deadline));
  const auto status = driver->open(ServiceName("service"))->status(deadline);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->members.size(), 1U);
  EXPECT_FALSE(open_memory()->open(ServiceName("service"))->status(deadline));
}

TEST(MemoryDriver, OutlivesItsDriverObjectWhileASessionIsOpen) {
  auto driver = open_memory();
  const auto session = driver->open(ServiceName("service"));
  driver.reset();
  EXPECT_TRUE(session->sync(first_request("a", "n1"), BootClock::now() + 1s));
}

TEST(MemoryDriver, TellsTheKindOfAHintAndForgetsDetailsOfTooMany) {
  const auto driver = open_memory();
  const auto listener = driver->open(ServiceName("service"));
  const auto speaker = driver->open(ServiceName("service"));
  SyncRequest request = first_request("a", "n1");
  const auto reply = speaker->sync(request, BootClock::now() + 1s);
  ASSERT_TRUE(reply);
  const auto hints = listener->wait(BootClock::now() + 1s, -1);
  ASSERT_EQ(hints.size(), 1U);
  EXPECT_EQ(hints.front(), (Hint{Hint::Kind::view, reply->view.epoch}));
  for (int round = 0; round < 1000; ++round) {
    ++request.sequence;
    request.node.weight = request.node.weight % 2 + 1;
    ASSERT_TRUE(speaker->sync(request, BootClock::now() + 1s));
  }
  const auto many = listener->wait(BootClock::now() + 1s, -1);
  EXPECT_LE(many.size(), 65U);
  EXPECT_FALSE(many.empty());
}

}  // namespace
}  // namespace nodepool
