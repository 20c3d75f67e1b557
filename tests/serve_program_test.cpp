// `likeness serve` as a program: how it starts and ends, what it makes of bytes that are no good request, and
// what is left after it was killed.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>

#include "tests/door.h"
#include "tests/http_client.h"
#include "tests/run_program.h"
#include "tests/running_server.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ServeProgram : public testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"--gallery", folder_ / "people.gallery",
                                 "--models",  tiny::packs().string(),
                                 "--model",   tiny::kEmbedder,
                                 "--port",    "0",
                                 "--threads", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  RunningServer start(std::vector<std::string> more = {}, int most_kib = 0) const {
    return {folder_ / "log", arguments(std::move(more)), most_kib};
  }
  static ProgramResult run(std::vector<std::string> all) {
    all.insert(all.begin(), "serve");
    return run_likeness(all);
  }
  std::string photo(int person, std::uint32_t seed = 5) const {
    return read_text(
        tiny::write_people(folder_.path() / std::to_string(seed), person, person + 1, 1, seed).front());
  }

  tiny::Folder folder_;
};

TEST_F(ServeProgram, EnrolsSearchesAndStopsWhenTold) {
  RunningServer server = start();
  EXPECT_EQ(status_of(ask(server.port(), request_text("GET", "/v1/health/ready"))), 200);
  const std::string enrolled =
      ask(server.port(), photo_request("/v1/galleries/default/faces", photo(0), "Ann"));
  EXPECT_EQ(status_of(enrolled), 200) << enrolled;
  const std::string found = ask(server.port(), photo_request("/v1/search", photo(0, 9)));
  EXPECT_EQ(json::parse(body_of(found))["faces"][0]["name"], "Ann") << found;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_NE(server.log().find("stopping; what is under way is finished first"), std::string::npos);
  EXPECT_EQ(server.log().find("Ann"), std::string::npos) << "the log holds a name";
  const ProgramResult list = run_likeness({"gallery", "list", "--gallery", folder_ / "people.gallery"});
  EXPECT_NE(list.out.find("Ann"), std::string::npos);
}

TEST_F(ServeProgram, WhatRunsIsFinishedBeforeItEnds) {
  RunningServer server = start();
  Connection connection(server.port());
  const std::string request = photo_request("/v1/search", photo(0));
  connection.send(request.substr(0, request.size() - 10));
  std::this_thread::sleep_for(milliseconds(300));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_THROW(Connection late(server.port()), std::runtime_error);
  connection.send(request.substr(request.size() - 10));
  const std::string answer = connection.read_answer();
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(ServeProgram, SpeaksOtherProtocolsWhereToldAndHandsTheRestOn) {
  const RunningServer other = start({"--compat", "immich"});
  std::ofstream(folder_ / "serve.conf")
      << "compat = deepstack,immich\nimmich-upstream = http://127.0.0.1:" << other.port() << "/\n";
  std::vector<std::string> more = arguments({"--config", folder_ / "serve.conf"});
  more[1] = folder_ / "other.gallery";
  const RunningServer server(folder_ / "log2", more);
  EXPECT_EQ(body_of(ask(server.port(), request_text("GET", "/ping"))), "pong");
  EXPECT_EQ(status_of(ask(server.port(), request_text("POST", "/v1/vision/face/list"))), 200);
  EXPECT_EQ(status_of(ask(server.port(), request_text("GET", "/api/v1/config"))), 404);
  // A task that is not about faces goes to the other server, whose answer, status and all, comes back.
  const std::string answer =
      ask(server.port(),
          request_text(
              "POST", "/predict",
              "--b\r\nContent-Disposition: form-data; name=\"entries\"\r\n\r\n{\"clip\":{}}\r\n--b--\r\n",
              "multipart/form-data; boundary=b"));
  EXPECT_EQ(status_of(answer), 501) << answer;
  EXPECT_NE(body_of(answer).find("only facial-recognition is done here"), std::string::npos) << answer;
  EXPECT_NE(other.log().find("immich.predict"), std::string::npos);
}

TEST_F(ServeProgram, PeopleAreBroughtOverByTheProtocolOfTheirServer) {
  const RunningServer old = start({"--compat", "compreface,deepstack", "--keep-crops"});
  for (std::uint32_t seed = 5; seed < 8; ++seed)
    ASSERT_EQ(status_of(ask(old.port(), photo_request("/v1/galleries/default/faces", photo(0, seed), "Ann"))),
              200);
  const std::string url = "http://127.0.0.1:" + std::to_string(old.port());
  const auto bring = [&](const std::string& server, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"import-from",
                                 server,
                                 url,
                                 "--gallery",
                                 folder_ / "new.gallery",
                                 "--models",
                                 tiny::packs().string(),
                                 "--model",
                                 tiny::kEmbedder,
                                 "--threads",
                                 "2",
                                 "--review",
                                 "off"};
    all.insert(all.end(), more.begin(), more.end());
    return run_likeness(all);
  };
  const ProgramResult missing = bring("deepstack");
  EXPECT_EQ(missing.code, 3) << missing.err;
  EXPECT_NE(missing.err.find("Ann: the server has no photo of this person"), std::string::npos)
      << missing.err;
  ::setenv("LIKENESS_API_KEY", "00000000-0000-0000-0000-000000000000", 1);
  const ProgramResult first = bring("compreface", {"--report", folder_ / "report.csv"});
  EXPECT_EQ(first.code, 0) << first.err << first.out;
  EXPECT_NE(first.out.find("3 faces enrolled, 0 known already, of 1 person and 3 photos of http://"),
            std::string::npos)
      << first.out;
  const auto report = lines(read_text(folder_ / "report.csv"));
  ASSERT_EQ(report.size(), 4U);
  EXPECT_EQ(report[0], "person,photo,status,why");
  EXPECT_TRUE(std::regex_match(report[1], std::regex("Ann,[0-9a-f-]{36},enrolled,"))) << report[1];
  const ProgramResult second = bring("compreface", {"--json"});
  ::unsetenv("LIKENESS_API_KEY");
  EXPECT_EQ(second.code, 0);
  for (const std::string& line : lines(second.out)) EXPECT_EQ(json::parse(line)["status"], "known");
  EXPECT_EQ(bring("deepstack").code, 0) << "everybody is there now";
  const auto refused = [&](const std::string& to, int code, const std::string& words) {
    const ProgramResult result =
        run_likeness({"import-from", "compreface", to, "--gallery", folder_ / "none.gallery", "--models",
                      tiny::packs().string(), "--model", tiny::kEmbedder});
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "none.gallery"));
  };
  refused("http://127.0.0.1:1", 6, "Connection refused");
  refused("127.0.0.1:1", 2, "an address begins with http:// or https://");
  refused(url + "/elsewhere", 6, "status 404");
}

// ---- what is refused at the start, in one line ----

TEST_F(ServeProgram, SaysInOneLineWhyItDoesNotStart) {
  const auto expect = [](const ProgramResult& result, int code, const std::string& words) {
    EXPECT_EQ(result.code, code) << result.err;
    ASSERT_EQ(lines(result.err).size(), 1U) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  };
  expect(
      run({"--gallery", folder_ / "g", "--address", "0.0.0.0"}), 2,
      "--address 0.0.0.0 can be reached by others: make keys with `likeness key add`, and say --keys FILE");
  expect(run({}), 2, "say which gallery to serve: --gallery FILE");
  expect(run(arguments({"--address", "127.0.0.1.5", "--keys", folder_ / "none"})), 3, "none: No such file");
  expect(run({"--gallery", folder_ / "g", "--model", "none", "--models", tiny::packs().string()}), 4, "none");
  expect(run(arguments({"--tls-certificate", folder_ / "c.pem", "--tls-key", folder_ / "k.pem"})), 3,
         "c.pem: there is no such file");
  std::ofstream(folder_ / "c.pem") << "no certificate";
  std::ofstream(folder_ / "k.pem") << "no key";
  expect(run(arguments({"--tls-certificate", folder_ / "c.pem", "--tls-key", folder_ / "k.pem"})), 5,
         "c.pem: no certificate in PEM");
  expect(run(arguments({"--compat", "deepstack,facebox"})), 2,
         "--compat facebox: there is compreface, deepstack, immich, nextcloud, rekognition");
  expect(run(arguments({"--immich-upstream", "http://127.0.0.1:3003"})), 2,
         "--immich-upstream needs --compat immich");
  std::ofstream(folder_ / "people.gallery") << "not a gallery";
  expect(run(arguments()), 5, "people.gallery");
}

TEST_F(ServeProgram, APortThatIsTakenIsNamed) {
  const RunningServer server = start();
  std::vector<std::string> again = arguments();
  again[1] = folder_ / "other.gallery";
  again[7] = std::to_string(server.port());
  const ProgramResult result = run(again);
  EXPECT_EQ(result.code, 6);
  EXPECT_EQ(result.err,
            "likeness: cannot listen on 127.0.0.1 port " + again[7] + ": Address already in use\n");
}

TEST_F(ServeProgram, CheckSaysWhatItWouldDo) {
  const ProgramResult result = run(arguments({"--check"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err.rfind("likeness: would listen on http://127.0.0.1:", 0), 0U) << result.err;
  EXPECT_NE(result.err.find("without keys; gallery default (" + (folder_ / "people.gallery") +
                            "): 0 people, 0 faces"),
            std::string::npos)
      << result.err;
}

TEST_F(ServeProgram, OptionsComeFromAFileToo) {
  const fs::path config = folder_ / "serve.conf";
  std::ofstream(config) << "# what the door needs\ngallery = \"door=" << (folder_ / "door.gallery")
                        << "\"\nmodels = \"" << tiny::packs().string()
                        << "\"\nmodel = tiny\nport = 0\nqueue = 7\nquiet = true\n";
  const ProgramResult result = run({"--config", config.string(), "--check"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("gallery door ("), std::string::npos) << result.err;
  std::ofstream(config) << "colour = red\n";
  const ProgramResult wrong = run({"--config", config.string(), "--check"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err, "likeness: " + config.string() + ": colour is no option of `likeness serve`\n");
}

// ---- bytes that are no good request ----

TEST_F(ServeProgram, BadRequestsAreRefusedWithAReason) {
  const RunningServer server = start();
  const auto answer = [&](const std::string& bytes) { return ask(server.port(), bytes); };
  const auto expect = [&](const std::string& bytes, int status, const std::string& message) {
    const std::string text = answer(bytes);
    EXPECT_EQ(status_of(text), status) << bytes.substr(0, 80) << "\n" << text;
    EXPECT_NE(text.find(message), std::string::npos) << text;
    EXPECT_NE(text.find("X-Request-Id: "), std::string::npos);
  };
  expect("GET /v1/version HTTP/1.1\r\n\r\n", 400, "a request needs one Host field");
  expect("GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", 400,
         "a request needs one Host field");
  expect("GET\r\n\r\n", 400, "this is no HTTP request");
  expect("GET v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "the request's target is no path");
  expect("GET http://127.0.0.1/v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400,
         "the request's target is no path");
  expect("get /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405, "this path answers GET");
  expect("GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n", 431,
         "the request's header is too large");
  std::string many = "GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (int i = 0; i < 120; ++i) many += "X" + std::to_string(i) + ": 1\r\n";
  expect(many + "\r\n", 431, "more than 100 header fields");
  expect("POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999\r\n\r\n", 413,
         "the body has 999999999 bytes");
  expect(
      "POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
      415, "compressed bodies are not read");
  expect(
      "POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n",
      400, "");
  expect("GET /v1/version HTTP/3.0\r\nHost: 127.0.0.1\r\n\r\n", 505, "HTTP/1.1 is spoken here");
  expect("GET /v1/version HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "answers this machine alone");
  EXPECT_EQ(status_of(answer("GET /v1/version HTTP/1.0\r\n\r\n")), 403);  // who says no Host is not from here
  EXPECT_EQ(status_of(answer(request_text("GET", "/v1/version"))), 200);
}

TEST_F(ServeProgram, AConnectionIsKeptForSeveralRequests) {
  const RunningServer server = start();
  Connection connection(server.port());
  connection.send(request_text("GET", "/v1/version") + request_text("GET", "/v1/health/live"));
  EXPECT_NE(connection.read_answer().find("\"api\":\"v1\""), std::string::npos);
  EXPECT_NE(connection.read_answer().find("\"live\""), std::string::npos);
  connection.send("HEAD /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_EQ(status_of(connection.read_until("\r\n\r\n")), 200);
  const std::string body = photo(0);
  connection.send(
      "POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Type: "
      "application/json\r\n"
      "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(status_of(connection.read_until("\r\n\r\n")), 100);
  connection.send("{}");
  EXPECT_EQ(status_of(connection.read_answer()), 400);
  connection.send(
      "POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
      "Content-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
  EXPECT_NE(connection.read_answer().find("photo is missing"), std::string::npos);
}

TEST_F(ServeProgram, EventsComeAsTheyHappen) {
  RunningServer server = start();
  Connection listener(server.port());
  listener.send(request_text("GET", "/v1/events"));
  EXPECT_EQ(status_of(listener.read_until("\r\n\r\n")), 200);
  EXPECT_EQ(status_of(ask(server.port(), photo_request("/v1/galleries/default/faces", photo(0), "Ann"))),
            200);
  EXPECT_NE(listener.read_until("\"faces\":1}").find("event: enrolled"), std::string::npos);
  server.signal(SIGTERM);
  EXPECT_TRUE(listener.closed(seconds(10)));
  EXPECT_EQ(server.wait(), 0);
}

/// Answers one request with 200, and keeps it.
class Listener {
 public:
  [[nodiscard]] std::uint16_t port() const { return door_.port(); }
  std::string one_request() const {
    const int client = ::accept(door_.socket(), nullptr, nullptr);
    std::string text;
    std::array<char, 4096> piece{};
    while (text.find("}") == std::string::npos) {
      const ssize_t bytes = ::recv(client, piece.data(), piece.size(), 0);
      if (bytes <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(bytes));
    }
    const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    (void)!::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(client);
    return text;
  }

 private:
  Door door_;
};

TEST_F(ServeProgram, AWebhookIsPostedToWithASignature) {
  const Listener listener;
  std::ofstream(folder_ / "secret") << "s3cret\n";
  const RunningServer server =
      start({"--webhook", "http://127.0.0.1:" + std::to_string(listener.port()) + "/hook", "--webhook-secret",
             folder_ / "secret"});
  EXPECT_EQ(status_of(ask(server.port(), photo_request("/v1/galleries/default/faces", photo(0), "Ann"))),
            200);
  const std::string request = listener.one_request();
  EXPECT_EQ(request.rfind("POST /hook HTTP/1.1\r\n", 0), 0U) << request;
  EXPECT_NE(request.find("X-Likeness-Signature: sha256="), std::string::npos) << request;
  EXPECT_EQ(json::parse(body_of(request))["kind"], "enrolled") << request;
}

TEST_F(ServeProgram, ClientsThatStallKeepNobodyOut) {
  const RunningServer server = start();
  const std::string request = photo_request("/v1/search", photo(0));
  // The quickest of fifty: what else the machine does comes and goes.
  const auto time = [&] {
    auto quickest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 50; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_EQ(status_of(ask(server.port(), request)), 200);
      quickest = std::min(quickest, std::chrono::steady_clock::now() - begin);
    }
    return quickest;
  };
  const auto usual = time();
  std::vector<std::unique_ptr<Connection>> stalled;
  for (int i = 0; i < 300; ++i) {
    stalled.push_back(std::make_unique<Connection>(server.port()));
    stalled.back()->send("POST /v1/search HTTP/1.1\r\nHost: 127");
  }
  EXPECT_LT(time(), 2 * usual);
}

TEST_F(ServeProgram, WhatWasAcknowledgedIsThereAfterAKill) {
  const int kills = std::getenv("LIKENESS_LONG") != nullptr ? 20 : 4;
  const fs::path gallery = folder_ / "people.gallery";
  std::size_t acknowledged = 0;
  for (int round = 0; round < kills; ++round) {
    RunningServer server = start({"--quiet"});
    std::atomic<bool> go = true;
    std::atomic<std::size_t> enrolled = 0;
    std::vector<std::jthread> clients;
    for (int client = 0; client < 3; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; go; ++i) {
          const auto seed = static_cast<std::uint32_t>(1000 * (3 * round + client) + i);
          const std::string bytes = photo(client, seed);
          try {
            const std::string answer = ask(
                server.port(), photo_request("/v1/galleries/default/faces", bytes, tiny::name_of(client)));
            if (status_of(answer) == 200 && answer.find("\"enrolled\":1") != std::string::npos) ++enrolled;
          } catch (const std::runtime_error&) {
            return;
          }
        }
      });
    }
    for (int i = 0; i < 400 && enrolled < 5 + static_cast<std::size_t>(round); ++i)
      std::this_thread::sleep_for(milliseconds(10));
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait(), 128 + SIGKILL);
    go = false;
    clients.clear();
    acknowledged += enrolled;
    const ProgramResult check = run_likeness({"gallery", "check", "--gallery", gallery.string()});
    EXPECT_EQ(check.code, 0) << check.out << check.err;
    std::size_t there = 0;
    for (const std::string& line :
         lines(run_likeness({"gallery", "list", "--json", "--gallery", gallery.string()}).out))
      there += json::parse(line)["faces"].get<std::size_t>();
    EXPECT_GE(there, acknowledged);
    EXPECT_LE(there, acknowledged + 3 * static_cast<std::size_t>(round + 1));  // done, but not said any more
  }
  EXPECT_GT(acknowledged, 4U * static_cast<std::size_t>(kills));
}

TEST_F(ServeProgram, AFullDiskIsSaidAndNothingHalfIsKept) {
  const fs::path gallery = folder_ / "people.gallery";
  std::size_t enrolled = 0;
  {
    const RunningServer server = start({"--quiet"}, 600);
    std::string answer;
    for (std::uint32_t seed = 0; seed < 400; ++seed) {
      answer = ask(server.port(), photo_request("/v1/galleries/default/faces", photo(0, seed), "Ann"));
      if (status_of(answer) != 200) break;
      ++enrolled;
    }
    EXPECT_EQ(status_of(answer), 507) << answer;
    EXPECT_NE(answer.find("\"code\":\"output_unwritable\""), std::string::npos) << answer;
    const std::string found = ask(server.port(), photo_request("/v1/search", photo(0, 1000)));
    EXPECT_EQ(json::parse(body_of(found))["faces"][0]["name"], "Ann") << found;
  }
  EXPECT_GT(enrolled, 3U);
  EXPECT_EQ(run_likeness({"gallery", "check", "--gallery", gallery.string()}).code, 0);
  const ProgramResult list = run_likeness({"gallery", "list", "--json", "--gallery", gallery.string()});
  EXPECT_EQ(json::parse(lines(list.out).at(0))["faces"], enrolled);
}

TEST_F(ServeProgram, SpeaksTlsWithACertificate) {
  const std::string pair = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout " +
                           (folder_ / "k.pem") + " -out " + (folder_ / "c.pem") + " 2>/dev/null";
  ASSERT_EQ(std::system(pair.c_str()), 0);
  const RunningServer server =
      start({"--tls-certificate", folder_ / "c.pem", "--tls-key", folder_ / "k.pem"});
  const std::string asks =
      "printf 'GET /v1/version HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' | "
      "openssl s_client -quiet -verify_return_error -CAfile " +
      (folder_ / "c.pem") + " -connect localhost:" + std::to_string(server.port()) + " >" +
      (folder_ / "answer") + " 2>/dev/null";
  EXPECT_EQ(std::system(asks.c_str()), 0);
  EXPECT_EQ(status_of(read_text(folder_ / "answer")), 200);
}

}  // namespace
}  // namespace likeness
