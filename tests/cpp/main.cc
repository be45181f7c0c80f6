#include "check.h"

int main() {
  int failed = 0;
  for (const auto& test : check::tests()) {
    const int before = check::failures();
    test.run();
    const bool ok = check::failures() == before;
    if (!ok) std::printf("FAILED %s\n", test.name);
    failed += !ok;
  }
  std::printf("%zu passed, %d failed\n", check::tests().size() - failed, failed);
  return failed > 0;
}
