#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tidy/blank_literals.hpp"
#include "tidy/rules.hpp"

namespace nodepool::tidy {
namespace {

namespace fs = std::filesystem;

/// A tree of files in a folder of its own, removed at the end.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "style-check-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
  }
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

std::string repeated(const std::string& line, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += line;
  }
  return text;
}

std::vector<std::string> found_in(const Tree& tree) {
  std::vector<std::string> found;
  for (const Finding& finding : check_tree(tree.root())) {
    found.push_back(finding.file + ":" + std::to_string(finding.line) + ": " + finding.rule);
  }
  return found;
}

/// One offence: the file, what it says, and the only thing that must be found.
struct Offence {
  std::string path;
  std::string text;
  std::string expected;
};

std::vector<Offence> layout_offences() {
  return {
      {"src/ring/a.cpp", "//" + std::string(109, '-') + "\n", ":1: line-length"},
      {"examples/a.cpp", "\n//" + std::string(109, '-') + "\n", ":2: line-length"},
      {"src/driver/redis/a.lua", std::string(111, '-') + "\n", ":1: line-length"},
      {"tests/unit/a.cpp", repeated("\n", 401), ":401: file-length"},
      {"tests/CMakeLists.txt", "\tset(a b)\n", ":1: tab"},
      {"src/ring/a.cpp", "int a; \n", ":1: trailing-blank"},
      {"src/ring/a.cpp", "int a;\r\n", ":1: trailing-blank"},
      {"src/ring/a.cpp",
       "// TO"
       "DO: more\n",
       ":1: unfinished"},
      {"src/ring/a.cpp",
       "// FIX"
       "ME\n",
       ":1: unfinished"},
      {"tests/unit/a.cpp",
       "// X"
       "XX\n",
       ":1: unfinished"},
      {"src/ring/a.cpp", "namespace n {\nint f() {\n" + repeated("  g();\n", 71) + "}\n}\n",
       ":2: function-length"},
      {"src/ring/a.cpp", "A::A(int a)\n    : a_(a) {\n" + repeated("  g();\n", 71) + "}\n",
       ":2: function-length"},
      {"tests/unit/a.cpp",
       "class A {\n public:\n  template <class T>\n  void f(T) {\n" + repeated("\n", 71) + "  }\n};\n",
       ":4: function-length"},
      {"src/ring/a.cpp", "class alignas(64) A {\n  void f() {\n" + repeated("\n", 71) + "  }\n};\n",
       ":2: function-length"},
      {"tests/unit/a.cpp", "TEST(A, B) {\n" + repeated("  if (a) {\n  }\n", 36) + "}\n",
       ":1: function-length"},
      {"README.md",
       "see /wo"
       "rk/main\n",
       ":1: private-place"},
      {"docs/a.md",
       "see ../sha"
       "red/design\n",
       ":1: private-place"},
      {"tests/unit/a.cpp",
       "// /tmp/bash"
       "_jobs\n",
       ":1: private-place"},
  };
}

std::vector<Offence> token_offences() {
  std::vector<Offence> offences = {
      {"include/nodepool/a.hpp", "#include <string>\n", ":1: pragma-once"},
      {"src/runtime/a.hpp", "// A comment.\n\nint a;\n", ":1: pragma-once"},
      {"tests/support/a.hpp", "", ":1: pragma-once"},
      {"src/runtime/a.cpp", "int f(int a) {\n  switch (a) {\n    default:\n      return 1;\n  }\n}\n",
       ":3: default-label"},
      {"src/cli/a.cpp", "  default: return 1;\n", ":1: default-label"},
  };
  for (const std::string token :
       {"std::thread a;", "std::jthread a;", "std::mutex a;", "std::condition_variable a;",
        "socket(1, 2, 3);", "std::random_device a;", "rand();", "auto a = Clock::now();", "getenv(a);",
        "std::this_thread::sleep_for(a);", "sleep(1);", "#include <mutex>"}) {
    offences.push_back({"src/ring/a.cpp", token + "\n", ":1: pure-token"});
    offences.push_back({"src/core/a.cpp", "\n" + token + "\n", ":2: pure-token"});
  }
  for (const std::string token : {"std::cout << 1;", "std::cerr << 1;", "printf(a);", "std::exit(1);",
                                  "exit(1);", "std::abort();", "_exit(1);", "assert(a);", "fprintf(a, b);"}) {
    offences.push_back({"src/runtime/a.cpp", token + "\n", ":1: print-or-exit"});
    offences.push_back({"include/nodepool/a.hpp", "#pragma once\n" + token + "\n", ":2: print-or-exit"});
  }
  return offences;
}

std::vector<Offence> include_offences() {
  const auto line = [](const std::string& name) { return "#include \"" + name + "\"\n"; };
  return {
      {"include/nodepool/a.hpp", "#pragma once\n" + line("ring/a.hpp"), ":2: include-floor"},
      {"src/ring/a.cpp", line("core/a.hpp"), ":1: include-floor"},
      {"src/ring/a.cpp", line("a.hpp"), ":1: include-floor"},
      {"src/core/a.cpp", line("ring/a.hpp") + line("runtime/a.hpp"), ":2: include-floor"},
      {"src/core/a.cpp", line("driver/memory/a.hpp"), ":1: include-floor"},
      {"src/runtime/a.cpp", line("driver/redis/a.hpp"), ":1: include-floor"},
      {"src/runtime/a.cpp", line("cli/a.hpp"), ":1: include-floor"},
      {"src/driver/redis/a.cpp", line("driver/sqlite/a.hpp"), ":1: include-floor"},
      {"src/driver/redis/a.cpp", line("runtime/a.hpp"), ":1: include-floor"},
      {"src/driver/common/a.cpp", line("driver/redis/a.hpp"), ":1: include-floor"},
      {"src/elsewhere/a.cpp", line("nodepool/a.hpp"), ":1: include-floor"},
      {"include/nodepool/a.hpp", "#pragma once\n#include <fmt/format.h>\n", ":2: public-include"},
      {"include/nodepool/a.hpp", "#pragma once\n#include <sqlite3.h>\n", ":2: public-include"},
      {"src/driver/sqlite/a.cpp", "#include <hiredis/hiredis.h>\n", ":1: hiredis-once"},
      {"src/cli/a.cpp", "#include <hiredis.h>\n", ":1: hiredis-once"},
  };
}

class StyleCheckRule : public testing::TestWithParam<Offence> {};

TEST_P(StyleCheckRule, FindsTheOffenceAndNothingElse) {
  const Tree tree;
  tree.write(GetParam().path, GetParam().text);
  EXPECT_EQ(found_in(tree), std::vector{GetParam().path + GetParam().expected}) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Layout, StyleCheckRule, testing::ValuesIn(layout_offences()));
INSTANTIATE_TEST_SUITE_P(Token, StyleCheckRule, testing::ValuesIn(token_offences()));
INSTANTIATE_TEST_SUITE_P(Include, StyleCheckRule, testing::ValuesIn(include_offences()));

TEST(StyleCheck, LetsOnlyOneFileSeeHiredis) {
  const Tree tree;
  tree.write("src/driver/redis/a.cpp", "#include <hiredis/hiredis.h>\n#include <hiredis/sds.h>\n");
  EXPECT_TRUE(found_in(tree).empty());
  tree.write("src/driver/redis/b.cpp", "#include <hiredis/hiredis.h>\n");
  EXPECT_EQ(found_in(tree), std::vector<std::string>{"src/driver/redis/b.cpp:1: hiredis-once"});
}

TEST(StyleCheck, WantsAFilesOwnHeaderFirst) {
  const Tree tree;
  tree.write("src/core/a.hpp", "#pragma once\n");
  tree.write("src/core/a.cpp", "#include <string>\n#include \"core/a.hpp\"\n");
  tree.write("include/nodepool/b.hpp", "#pragma once\n");
  tree.write("src/runtime/b.cpp", "#include \"nodepool/c.hpp\"\n#include \"nodepool/b.hpp\"\n");
  EXPECT_EQ(found_in(tree), (std::vector<std::string>{"src/core/a.cpp:1: own-header-first",
                                                      "src/runtime/b.cpp:1: own-header-first"}));
}

TEST(StyleCheck, AcceptsWhatIsAllowed) {
  const Tree tree;
  tree.write("include/nodepool/a.hpp",
             "#pragma once\n#include <tl/expected.hpp>\n#include \"nodepool/b.hpp\"\n");
  tree.write("src/core/a.hpp", "// Why.\n\n#pragma once\n#include <fmt/format.h>\n#include \"ring/a.hpp\"\n");
  tree.write("src/core/a.cpp",
             "#include \"core/a.hpp\"\n\nA::A() = default;\nstatic_assert(sizeof(int) == 4);\n");
  tree.write("src/driver/redis/a.cpp",
             "#include \"driver/common/a.hpp\"\n#include \"driver/redis/b.hpp\"\n"
             "#include \"embedded_scripts.hpp\"\nint f() { snprintf(a); }\n");
  tree.write("src/cli/a.cpp", "#include \"runtime/a.hpp\"\nint main() { std::cout << 1; exit(1); }\n");
  tree.write("src/ring/lines.cpp",
             "// " + std::string(107, '-') + "\n// " + repeated("\xc3\xa9", 107) + "\n");
  tree.write("src/ring/body.cpp", "int f() {\n" + repeated("  g();\n", 70) + "}\n");
  tree.write("src/ring/table.cpp", "const A kTable[] = {\n" + repeated("    {1},\n", 90) + "};\n");
  tree.write("src/ring/scope.cpp", "class A final : public B<C> {\n" + repeated("  int f();\n", 90) + "};\n");
  tree.write("src/ring/words.cpp",
             "int operand(); int asleep; int threads; auto a = mkstemp(\"XX"
             "XX\");\n");
  tree.write("tests/data/a.json", std::string(500, ' ') + "\n");
  tree.write("build/a.cpp",
             "// TO"
             "DO\n");
  tree.write("out/CMakeCache.txt", "");
  tree.write("out/a.cpp",
             "// TO"
             "DO\n");
  EXPECT_EQ(found_in(tree), std::vector<std::string>());
}

TEST(StyleCheck, LooksForTokensOnlyInCode) {
  const Tree tree;
  tree.write("src/ring/a.cpp",
             "// A mutex would be wrong here.\n/* printf(\n   sleep */\nauto a = \"mutex \\\" mutex\";\n"
             "auto b = R\"x(mutex \" )\" mutex)x\";\nauto c = 10'000 + '\"' + 1'0;  // mutex\nint d;\n");
  EXPECT_EQ(found_in(tree), std::vector<std::string>());
  tree.write("src/ring/a.cpp",
             "auto a = \"b\"; std::mutex c; // d\nauto e = R\"(f)\"; std::mutex g;\n"
             "auto h = '\\''; std::mutex i;\nauto j = 1'000; std::mutex k;\n/* l */ std::mutex m;\n");
  EXPECT_EQ(found_in(tree).size(), 5U);
}

TEST(StyleCheck, KeepsLinesAndColumnsWhenItBlanks) {
  EXPECT_EQ(blank_literals("a // b\nc \"de\" f\n"), "a     \nc \"  \" f\n");
  EXPECT_EQ(blank_literals("#include \"a.hpp\"  // b\n"), "#include \"a.hpp\"      \n");
  EXPECT_EQ(blank_literals("R\"(a\nb)\" c"), "R\"  \n  \" c");
  for (const std::string broken : {"\"", "'", "/*", "R\"", "R\"(", "\"\\", "'\\", "//", "u8R\"x(a)y\""}) {
    EXPECT_EQ(blank_literals(broken).size(), broken.size()) << broken;
  }
}

TEST(StyleCheck, SaysByItsStatusWhetherItFoundSomething) {
  const auto status = [](const fs::path& root) {
    const int result = std::system((STYLE_CHECK_COMMAND " '" + root.string() + "' > /dev/null 2>&1").c_str());
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
  };
  const Tree tree;
  EXPECT_EQ(status(tree.root()), 0);
  tree.write("src/ring/a.cpp", "int a; \n");
  EXPECT_EQ(status(tree.root()), 1);
  EXPECT_EQ(status(tree.root() / "nowhere"), 2);
}

}  // namespace
}  // namespace nodepool::tidy
