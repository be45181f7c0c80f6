// A fixed set of threads, the caller's among them, that run one job at a time.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace soleus {

class Pool {
 public:
  // `threads` includes the calling thread. `cpus`: where to pin each of them, or empty. The calling thread is pinned to
  // the first of them while a job runs, and free again afterwards: what else it does is none of the pool's.
  explicit Pool(int threads, std::vector<int> cpus = {});
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // Runs job(thread) once on each thread and returns when all have.
  void run(const std::function<void(int)>& job);

 private:
  void work(int thread);
  void stop();

  std::vector<std::thread> workers_;
  std::vector<int> cpus_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(int)>* job_ = nullptr;
  long generation_ = 0;
  int running_ = 0;
  bool stopping_ = false;
};

}  // namespace soleus
