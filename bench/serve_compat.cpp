// What another protocol costs: POST /v1/search and CompreFace's POST /api/v1/recognition/recognize in turns,
// for one photo after the other, in one process, with one network and one gallery.
//   serve_compat MODELS GALLERY THREADS REQUESTS photo...
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

using likeness::serve::HttpServer;

/// A form with the photo under this field's name.
std::string form_of(const std::string& target, const std::string& field, const char* file) {
  std::ifstream in(file, std::ios::binary);
  const std::string photo{std::istreambuf_iterator<char>(in), {}};
  return likeness::request_text("POST", target,
                                "--b\r\nContent-Disposition: form-data; name=\"" + field +
                                    "\"; filename=\"a.jpg\"\r\n\r\n" + photo + "\r\n--b--\r\n",
                                "multipart/form-data; boundary=b");
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

struct Measured {
  std::vector<double> v1, compat, more;  // milliseconds; `more` as a share of v1
  std::size_t failed = 0;
};

Measured measure(likeness::Connection& client, const std::vector<std::string>& v1,
                 const std::vector<std::string>& compat, std::size_t requests) {
  Measured all;
  const auto time_of = [&](const std::string& request) {
    const auto begin = std::chrono::steady_clock::now();
    client.send(request);
    if (likeness::status_of(client.read_answer()) != 200) ++all.failed;
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  };
  for (std::size_t i = 0; i < requests; ++i) {
    const std::size_t photo = i % v1.size();
    // Each first in turn: what the processor remembers of the photo helps the second.
    const bool first = (i / v1.size()) % 2 == 0;
    const double before = first ? time_of(v1[photo]) : 0;
    all.compat.push_back(time_of(compat[photo]));
    all.v1.push_back(first ? before : time_of(v1[photo]));
    all.more.push_back(all.compat.back() / all.v1.back() - 1);
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "serve_compat MODELS GALLERY THREADS REQUESTS photo...\n");
    return 2;
  }
  likeness::serve::ServiceOptions options;
  options.models.models = {argv[1]};
  options.models.threads = std::atoi(argv[3]);
  options.galleries = {{"default", argv[2]}};
  options.compat.protocols = {"compreface"};
  likeness::serve::Service service(std::move(options));
  likeness::serve::HttpOptions http;
  http.port = 0;
  HttpServer server(http, service);
  std::thread serving([&] { server.run(); });
  std::vector<std::string> v1;
  std::vector<std::string> compat;
  for (int i = 5; i < argc; ++i) {
    v1.push_back(form_of("/v1/search", "photo", argv[i]));
    compat.push_back(form_of("/api/v1/recognition/recognize", "file", argv[i]));
  }
  {
    likeness::Connection client(server.port());
    (void)measure(client, v1, compat, 2 * v1.size());  // warms up
    const Measured all = measure(client, v1, compat, static_cast<std::size_t>(std::atol(argv[4])));
    std::printf(
        "{\"requests\": %zu, \"failed\": %zu, \"v1_p50_ms\": %.2f, \"compreface_p50_ms\": %.2f, "
        "\"more_p50_percent\": %.2f}\n",
        all.v1.size(), all.failed, median(all.v1), median(all.compat), 100 * median(all.more));
  }
  server.stop(std::chrono::milliseconds(1000));
  serving.join();
  return 0;
}
