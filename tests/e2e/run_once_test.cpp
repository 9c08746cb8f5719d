// `nodepool run --mode once` with real processes.

#include "e2e/run_fixture.hpp"

namespace nodepool::test {
namespace {

TEST_F(Run, OnceIsRunUntilItHasSucceededAndThenNeverAgain) {
  // The first run fails, the second succeeds.
  const std::string script =
      "echo $NODEPOOL_ATTEMPT >> " + record_path() + "; test $(wc -l < " + record_path() + ") = 2";
  const std::vector<std::string> mode{"--mode", "once", "--restart-delay", "100ms", "--shell"};
  std::vector<Child> wrappers;
  for (const char* name : {"a", "b", "c"}) {
    std::vector<std::string> options = mode;
    options.insert(options.end(), {"--name", name});
    wrappers.push_back(launch(options, {script}));
  }
  for (Child& wrapper : wrappers) {
    ASSERT_TRUE(wait_for_end(wrapper));
    EXPECT_EQ(wrapper.exit_code(), 0) << wrapper.errors();
    EXPECT_NE(wrapper.errors().find("event=succeeded"), std::string::npos) << wrapper.errors();
  }
  const Finished later = run(mode, {script});
  EXPECT_EQ(later.code, 0) << later.errors;
  std::ifstream record(record_path());
  int first = 0;
  int second = 0;
  int third = 0;
  record >> first >> second >> third;
  // A node that lost the job between its mark and the start has counted too.
  EXPECT_GE(first, 1);
  EXPECT_GT(second, first);
  EXPECT_EQ(third, 0);
}

TEST_F(Run, OnceIsTakenUpByTheNextNodeIfItsOwnIsKilled) {
  Child owner = launch(great("a", {"--mode", "once"}), recorder());
  ASSERT_TRUE(wait_for_begins(1, {&owner}));
  Child other = launch({"--name", "b", "--mode", "once"}, {"sh", "-c", "exit 0"});
  ASSERT_TRUE(wait_for_log(other, "event=waiting"));
  owner.signal(SIGKILL);
  ASSERT_TRUE(wait_for_end(other));
  EXPECT_EQ(other.exit_code(), 0) << other.errors();
  EXPECT_NE(other.errors().find("event=started"), std::string::npos) << other.errors();
  expect_no_overlap();
}

}  // namespace
}  // namespace nodepool::test
