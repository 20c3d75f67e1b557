// Posts photos to a running server and says how many it answered and how quickly.
//   serve_load PORT PATH CLIENTS REQUESTS RATE photo...
// Each client has one connection. RATE 0: the next photo goes out when the last is answered; else so many a
// second go out in all, and time counts from when a photo was to go out, so that a slow server cannot make it
// late.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/http_client.h"

namespace {

using Clock = std::chrono::steady_clock;

std::string read_text(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0
                        : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "serve_load PORT PATH CLIENTS REQUESTS RATE photo...\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const int clients = std::atoi(argv[3]);
  const long requests = std::atol(argv[4]);
  const double rate = std::atof(argv[5]);
  std::vector<std::string> bodies;
  for (int i = 6; i < argc; ++i) bodies.push_back(likeness::photo_request(argv[2], read_text(argv[i])));

  std::atomic<long> next = 0;
  std::mutex mutex;
  std::vector<double> times;
  std::size_t failed = 0;
  const auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&] {
      likeness::Connection connection(port);
      std::vector<double> own;
      std::size_t bad = 0;
      for (long i = 0; (i = next++) < requests;) {
        auto start = Clock::now();
        if (rate > 0) {
          const auto due = begin + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(static_cast<double>(i) / rate));
          std::this_thread::sleep_until(due);
          start = due;
        }
        connection.send(bodies[static_cast<std::size_t>(i) % bodies.size()]);
        const std::string answer = connection.read_answer(std::chrono::seconds(70));
        if (likeness::status_of(answer) != 200) ++bad;
        own.push_back(std::chrono::duration<double>(Clock::now() - start).count());
      }
      const std::lock_guard lock(mutex);
      times.insert(times.end(), own.begin(), own.end());
      failed += bad;
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::sort(times.begin(), times.end());
  std::printf(
      "{\"requests\": %zu, \"failed\": %zu, \"seconds\": %.3f, \"per_second\": %.2f, \"p50_ms\": %.2f, "
      "\"p99_ms\": %.2f}\n",
      times.size(), failed, seconds, static_cast<double>(times.size()) / seconds,
      1000 * percentile(times, 0.5), 1000 * percentile(times, 0.99));
  return failed == 0 ? 0 : 1;
}
