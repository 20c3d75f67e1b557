// What HTTP costs: the library's call and POST /v1/search in turns, for one photo after the other, in one
// process, with one network and one gallery. (From process to process the same call differs by more than HTTP
// costs.)
//   serve_call MODELS GALLERY THREADS photo...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "serve/beast_server.h"
#include "serve/service.h"
#include "tests/http_client.h"

namespace {

std::string read_text(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <typename Work>
double milliseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "serve_call MODELS GALLERY THREADS photo...\n");
    return 2;
  }
  likeness::serve::ServiceOptions options;
  options.models.models = {argv[1]};
  options.models.threads = std::atoi(argv[3]);
  options.galleries = {{"default", argv[2]}};
  likeness::serve::Service service(std::move(options));
  likeness::serve::HttpOptions http;
  http.port = 0;
  likeness::serve::HttpServer server(http, service);
  std::thread serving([&] { server.run(); });
  {
    likeness::Connection client(server.port());
    const auto& gallery = *service.galleries().front();
    std::vector<double> calls;
    std::vector<double> posts;
    std::vector<double> more;  // of a request than of the call before and after it
    std::size_t faces = 0;
    std::size_t failed = 0;
    for (int round = 0; round < 3; ++round) {
      if (round == 1) calls.clear(), posts.clear(), more.clear();  // the first one warms up
      for (int i = 4; i < argc; ++i) {
        const std::string photo = read_text(argv[i]);
        const std::string request = likeness::photo_request("/v1/search", photo);
        const auto call = [&] {
          const auto bytes = std::as_bytes(std::span(photo));
          faces +=
              service.recognizer().search(*gallery.gallery->view(), {.id = "photo", .content = bytes}).size();
        };
        const double before = milliseconds(call);
        posts.push_back(milliseconds([&] {
          client.send(request);
          if (likeness::status_of(client.read_answer()) != 200) ++failed;
        }));
        const double after = milliseconds(call);
        calls.push_back(before);
        calls.push_back(after);
        more.push_back(posts.back() - (before + after) / 2);
      }
    }
    std::printf(
        "{\"photos\": %zu, \"faces\": %zu, \"failed\": %zu, \"call_p50_ms\": %.2f, \"post_p50_ms\": %.2f, "
        "\"http_p50_ms\": %.2f, \"http_p25_ms\": %.2f, \"http_p75_ms\": %.2f}\n",
        posts.size(), faces / 6, failed, percentile(calls, 0.5), percentile(posts, 0.5),
        percentile(more, 0.5), percentile(more, 0.25), percentile(more, 0.75));
  }
  server.stop(std::chrono::milliseconds(1000));
  serving.join();
  return 0;
}
