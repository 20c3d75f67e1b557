// What a request costs over the library's call, in one process, with one network and one gallery, in turns
// for one photo after the other. (From process to process the same call differs by more than HTTP costs.)
// A thread that has just computed has the network in its processor's cache, one that waited has not: so the
// service without HTTP, and POST /v1/search, are compared with the call made by a thread that waited for it
// too, and that with the call made by a thread that did not wait.
//   serve_call MODELS MODEL GALLERY THREADS photo...
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "serve/beast_server.h"
#include "serve/service.h"
#include "serve/work_queue.h"
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
  if (argc < 6) {
    std::fprintf(stderr, "serve_call MODELS MODEL GALLERY THREADS photo...\n");
    return 2;
  }
  likeness::serve::ServiceOptions options;
  options.models.models = {argv[1]};
  options.models.model = argv[2];
  options.models.threads = std::atoi(argv[4]);
  options.galleries = {{"default", argv[3]}};
  likeness::serve::Service service(std::move(options));
  likeness::serve::HttpOptions http;
  http.port = 0;
  likeness::serve::HttpServer server(http, service);
  std::thread serving([&] { server.run(); });
  {
    likeness::Connection client(server.port());
    const auto& gallery = *service.galleries().front();
    likeness::serve::WorkQueue waiting(1, 1);
    std::vector<double> calls;
    std::vector<double> posts;
    std::array<std::vector<double>, 3>
        more;  // of each step than of the one it is compared with, before and after
    std::size_t faces = 0;
    std::size_t failed = 0;
    for (int round = 0; round < 3; ++round) {
      if (round == 1) calls.clear(), posts.clear(), more.fill({});  // the first one warms up
      for (int i = 5; i < argc; ++i) {
        const std::string photo = read_text(argv[i]);
        const std::string text = likeness::photo_request("/v1/search", photo);
        const auto call = [&] {
          const auto bytes = std::as_bytes(std::span(photo));
          faces +=
              service.recognizer().search(*gallery.gallery->view(), {.id = "photo", .content = bytes}).size();
        };
        const auto elsewhere = [&] {
          std::promise<void> done;
          if (!waiting.submit([&] { call(), done.set_value(); })) ++failed;
          done.get_future().wait();
        };
        likeness::serve::Request request;
        request.method = "POST";
        request.target = "/v1/search";
        request.path = {"v1", "search"};
        request.id = "1";
        request.headers = {{"host", "127.0.0.1"}, {"content-type", "multipart/form-data; boundary=b"}};
        request.body = likeness::body_of(text);
        const auto handle = [&] {
          std::promise<int> done;
          service.handle(std::move(request),
                         [&](const likeness::serve::Response& answer) { done.set_value(answer.status); });
          if (done.get_future().get() != 200) ++failed;
        };
        const auto post = [&] {
          client.send(text);
          if (likeness::status_of(client.read_answer()) != 200) ++failed;
        };
        const auto compare = [&](std::size_t step, const auto& work, const auto& with) {
          const double before = milliseconds(with);
          const double took = milliseconds(work);
          more[step].push_back(took - (before + milliseconds(with)) / 2);
          return took;
        };
        calls.push_back(compare(0, elsewhere, call));
        (void)compare(1, handle, elsewhere);
        posts.push_back(compare(2, post, elsewhere));
      }
    }
    std::printf(
        "{\"photos\": %zu, \"faces\": %zu, \"failed\": %zu, \"call_p50_ms\": %.2f, \"post_p50_ms\": %.2f",
        posts.size(), faces, failed, percentile(calls, 0.5), percentile(posts, 0.5));
    constexpr std::array kSteps{"thread", "service", "http"};
    for (std::size_t step = 0; step < more.size(); ++step)
      std::printf(", \"%s_p25_ms\": %.2f, \"%s_p50_ms\": %.2f, \"%s_p75_ms\": %.2f", kSteps[step],
                  percentile(more[step], 0.25), kSteps[step], percentile(more[step], 0.5), kSteps[step],
                  percentile(more[step], 0.75));
    std::printf("}\n");
  }
  server.stop(std::chrono::milliseconds(1000));
  serving.join();
  return 0;
}
