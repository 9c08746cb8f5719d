#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace nodepool::test {

/// A temporary folder of this test's own; removed with it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// A program that has ended.
struct Finished {
  int code = -1;  ///< Its exit code; 128 + the signal that ended it.
  std::string output;
  std::string errors;
};

/// Runs the nodepool command under test to its end. One that takes longer than `at_most` is killed and fails
/// the test.
Finished run_nodepool(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment = {},
                      std::chrono::seconds at_most = std::chrono::seconds(20));

/// The same for any program.
Finished run_program(const std::vector<std::string>& words, std::chrono::seconds at_most,
                     const std::vector<std::string>& environment = {});

/// The processes whose environment has the text in it: how to find what a program may have left behind.
std::vector<int> processes_with(const std::string& text);

}  // namespace nodepool::test
