#include "base/share_out.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/pool.h"

namespace soleus {
namespace {

// The helpers of one calling thread.
class OwnPool {
 public:
  ~OwnPool() { dismiss(); }

  // A pool of at least so many threads: kept as long as it is large enough, whatever the number of parts from call to call.
  Pool& at_least(int threads) {
    if (!pool_ || pool_->threads() < threads || owner_ != getpid()) {
      dismiss();
      pool_ = std::make_unique<Pool>(threads);
      owner_ = getpid();
    }
    return *pool_;
  }

 private:
  // In a forked child the helpers do not exist, and waiting for their end would take for ever.
  void dismiss() {
    if (owner_ == getpid()) {
      pool_.reset();
    } else {
      (void)pool_.release();
    }
  }

  std::unique_ptr<Pool> pool_;
  pid_t owner_ = 0;
};

}  // namespace

void share_out(int count, int threads, const std::function<void(int, int)>& job) {
  const int parts = std::min(count, threads);
  if (parts <= 1) {
    job(0, count);
    return;
  }
  thread_local OwnPool pool;
  pool.at_least(parts).run([&](int part) {
    if (part >= parts) return;
    const auto start = [&](int i) { return static_cast<int>(static_cast<long>(count) * i / parts); };
    job(start(part), start(part + 1));
  });
}

}  // namespace soleus
