// A test is a function; a failed check says where and what and goes on.
#pragma once

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char* name;
  std::function<void()> run;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(const char* name, std::function<void()> run) { tests().push_back({name, std::move(run)}); }
};

inline void that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  ++failures();
  std::printf("%s:%d: expected %s\n", file, line, what);
}

inline void near(double got, double expected, double tolerance, const char* file, int line) {
  if (std::abs(got - expected) <= tolerance) return;
  ++failures();
  std::printf("%s:%d: expected %.9g within %.3g, got %.9g\n", file, line, expected, tolerance, got);
}

template <class Error, class Work>
void throws(Work&& work, const std::string& part, const char* file, int line) {
  try {
    work();
  } catch (const Error& error) {
    if (std::string(error.what()).find(part) != std::string::npos) return;
    ++failures();
    std::printf("%s:%d: expected an error with '%s', got '%s'\n", file, line, part.c_str(), error.what());
    return;
  }
  ++failures();
  std::printf("%s:%d: expected an error with '%s', got none\n", file, line, part.c_str());
}

}  // namespace check

#define TEST(name)                                             \
  static void name();                                          \
  static const check::Register register_##name(#name, name);   \
  static void name()
#define CHECK(what) check::that((what), #what, __FILE__, __LINE__)
#define NEAR(got, expected, tolerance) check::near((got), (expected), (tolerance), __FILE__, __LINE__)
#define THROWS(work, part) check::throws<soleus::InvalidInput>([&] { work; }, part, __FILE__, __LINE__)
