// The HTTP layer alone, byte by byte, before a handler that says what it was asked. Everything here runs
// under the sanitizers too; tests/serve_program_test.cpp asks the whole service the same way.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "likeness/core/error.h"
#include "serve/beast_server.h"
#include "tests/http_client.h"

namespace likeness::serve {
namespace {

using std::chrono::milliseconds;

/// Says method, target and body; "/slow" is answered when release() is called; "/lines" has a header of two
/// lines.
class Echo : public Handler {
 public:
  ~Echo() override { release(); }

  Admission admit(const RequestHead& head) override {
    if (head.target == "/no") return {.refusal = refuse(403, head.id, "not here"), .body_limit = 0};
    return {.body_limit = 100'000};
  }
  void handle(Request request, std::function<void(Response)> reply) override {
    Response response{.type = "text/plain",
                      .body = request.method + " " + request.target + " " + request.body};
    if (request.target == "/lines") response.headers = {{"X-Lines", "one\r\nX-Two: two"}};
    if (request.target == "/large") response.body = std::string(300'000, 'x');
    if (request.target == "/none") response.status = 204;
    if (request.target != "/slow") return reply(std::move(response));
    slow_ = std::thread([this, response, reply] {
      std::unique_lock lock(mutex_);
      released_.wait(lock, [this] { return free_; });
      reply(response);
    });
  }
  Response refuse(int status, const std::string& /*id*/, const std::string& message) override {
    return {.status = status, .type = "text/plain", .body = message};
  }

  void release() {
    {
      const std::lock_guard lock(mutex_);
      free_ = true;
    }
    released_.notify_all();
    if (slow_.joinable()) slow_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool free_ = false;
  std::thread slow_;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    HttpOptions options;
    options.port = 0;
    options.limits.header_time = milliseconds(1500);
    options.limits.idle_time = milliseconds(3000);
    options.limits.body_time = milliseconds(1500);
    options.limits.request_time = milliseconds(3000);
    server_ = std::make_unique<HttpServer>(options, echo_);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~HttpServerTest() override {
    server_->stop(milliseconds(2000));
    echo_.release();
    thread_.join();
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }

  Echo echo_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersSeveralRequestsThatComeAtOnce) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(request_text("GET", "/a") + request_text("POST", "/b", "words") +
                          request_text("GET", "/c")));
  EXPECT_EQ(body_of(client.read_answer()), "GET /a ");
  EXPECT_EQ(body_of(client.read_answer()), "POST /b words");
  EXPECT_EQ(body_of(client.read_answer()), "GET /c ");
}

TEST_F(HttpServerTest, ReadsARequestThatComesByteByByte) {
  Connection client(server_->port());
  for (const char byte : request_text("POST", "/b", "words")) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(body_of(client.read_answer()), "POST /b words");
}

TEST_F(HttpServerTest, ReadsABodyInChunks) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwor\r\n2\r\nds\r\n0\r\n\r\n"));
  EXPECT_EQ(body_of(client.read_answer()), "POST /b words");
  ASSERT_TRUE(client.send(request_text("GET", "/next")));
  EXPECT_EQ(body_of(client.read_answer()), "GET /next ");
}

TEST_F(HttpServerTest, SaysGoOnToAClientThatWaitsForIt) {
  Connection client(server_->port());
  ASSERT_TRUE(
      client.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("words"));
  EXPECT_EQ(body_of(client.read_answer()), "POST /b words");
}

TEST_F(HttpServerTest, SpeaksTheOlderVersionToWhoDoes) {
  Connection closing(server_->port());
  ASSERT_TRUE(closing.send("GET /a HTTP/1.0\r\n\r\n"));
  const std::string answer = closing.read_answer();
  EXPECT_EQ(answer.rfind("HTTP/1.0 200 OK\r\n", 0), 0U) << answer;
  EXPECT_TRUE(closing.closed(milliseconds(2000)));
  Connection kept(server_->port());
  ASSERT_TRUE(kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_NE(kept.read_answer().find("Connection: keep-alive\r\n"), std::string::npos);
  ASSERT_TRUE(kept.send("GET /b HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(body_of(kept.read_answer()), "GET /b ");
}

TEST_F(HttpServerTest, HeadHasNoBodyAndNoContentHasNoLength) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(request_text("HEAD", "/a")));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 8\r\n"), std::string::npos) << head;
  ASSERT_TRUE(client.send(request_text("GET", "/none")));
  const std::string none = client.read_until("\r\n\r\n");
  EXPECT_EQ(none.rfind("HTTP/1.1 204 No Content\r\n", 0), 0U) << none;
  EXPECT_EQ(none.find("Content-"), std::string::npos) << none;
  ASSERT_TRUE(client.send(request_text("GET", "/b")));
  EXPECT_EQ(body_of(client.read_answer()), "GET /b ");
}

TEST_F(HttpServerTest, ALargeAnswerComesWhole) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(request_text("GET", "/large")));
  EXPECT_EQ(body_of(client.read_answer()), std::string(300'000, 'x'));
}

TEST_F(HttpServerTest, AValueCannotBeginAnotherField) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(request_text("GET", "/lines")));
  const std::string answer = client.read_answer();
  EXPECT_NE(answer.find("X-Lines: one  X-Two: two\r\n"), std::string::npos) << answer;
}

TEST_F(HttpServerTest, RefusesBeforeTheBodyIsRead) {
  EXPECT_EQ(status_of(ask(server_->port(), request_text("POST", "/no", "words"))), 403);
  Connection large(server_->port());
  ASSERT_TRUE(large.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n"));
  const std::string answer = large.read_answer();
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_EQ(body_of(answer), "the body has 100001 bytes; at most 100000 are read here");
  Connection chunks(server_->port());
  ASSERT_TRUE(chunks.send("POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" +
                          std::string(100'001, 'x') + "\r\n0\r\n\r\n"));
  EXPECT_EQ(status_of(chunks.read_answer()), 413);
}

TEST_F(HttpServerTest, WhatIsNoRequestIsSaidSo) {
  const auto status = [this](const std::string& text) { return status_of(ask(server_->port(), text)); };
  EXPECT_EQ(status("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /a HTTP/3.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status("GET /a HTTP/1.1\r\n\r\n"), 400);                        // no Host
  EXPECT_EQ(status("GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"), 400);  // two
  EXPECT_EQ(status("GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), 431);
  std::string many = "GET /a HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_EQ(status(many + "\r\n"), 431);
  EXPECT_EQ(status("POST /b HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
            415);
}

TEST_F(HttpServerTest, AClientThatStallsIsLetGo) {
  Connection silent(server_->port());
  Connection half(server_->port());
  ASSERT_TRUE(half.send("GET /a HT"));
  Connection body(server_->port());
  ASSERT_TRUE(body.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nwo"));
  Connection idle(server_->port());
  ASSERT_TRUE(idle.send(request_text("GET", "/a")));
  EXPECT_EQ(status_of(idle.read_answer()), 200);
  for (Connection* client : {&silent, &half, &body, &idle}) EXPECT_TRUE(client->closed(milliseconds(10000)));
}

TEST_F(HttpServerTest, WorkMayTakeLongerThanAClientMay) {
  Connection client(server_->port());
  ASSERT_TRUE(client.send(request_text("GET", "/slow")));
  std::this_thread::sleep_for(milliseconds(1800));  // longer than the header or the body may take
  echo_.release();
  EXPECT_EQ(body_of(client.read_answer()), "GET /slow ");
}

TEST_F(HttpServerTest, WorkThatTakesTooLongIsSaidSo) {
  EXPECT_EQ(status_of(ask(server_->port(), request_text("GET", "/slow"))), 503);
}

TEST_F(HttpServerTest, AClientThatGoesWhileItsWorkIsDoneHarmsNothing) {
  {
    Connection client(server_->port());
    ASSERT_TRUE(client.send(request_text("GET", "/slow")));
    std::this_thread::sleep_for(milliseconds(50));
  }
  echo_.release();
  EXPECT_EQ(status_of(ask(server_->port(), request_text("GET", "/a"))), 200);
}

TEST_F(HttpServerTest, StopsWhileClientsWait) {
  Connection idle(server_->port());
  ASSERT_TRUE(idle.send(request_text("GET", "/a")));
  EXPECT_EQ(status_of(idle.read_answer()), 200);
  Connection working(server_->port());
  ASSERT_TRUE(working.send(request_text("GET", "/slow")));
  std::this_thread::sleep_for(milliseconds(50));
  server_->stop(milliseconds(2000));
  EXPECT_TRUE(idle.closed(milliseconds(2000)));
  echo_.release();
  EXPECT_EQ(body_of(working.read_answer()), "GET /slow ");
}

TEST_F(HttpServerTest, PostGivesTheStatus) {
  EXPECT_EQ(post(url("/b"), {{"X-A", "b"}}, "words", milliseconds(2000)), 200);
  EXPECT_EQ(post(url("/no"), {}, "words", milliseconds(2000)), 403);
}

TEST_F(HttpServerTest, PostSaysWhyThereIsNoAnswer) {
  const auto message = [](const std::string& to, milliseconds patience) -> std::string {
    try {
      return std::to_string(post(to, {}, "words", patience));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
      return error.what();
    }
  };
  EXPECT_EQ(message(url("/slow"), milliseconds(100)), url("/slow") + ": Connection timed out");
  EXPECT_EQ(message("http://127.0.0.1:1/", milliseconds(1000)), "http://127.0.0.1:1/: Connection refused");
  EXPECT_THROW(static_cast<void>(post("ftp://h/", {}, "", milliseconds(100))), std::invalid_argument);
}

TEST_F(HttpServerTest, AskingOthersIsBounded) {
  const Response got = send({.url = url("/a?b=c"), .headers = {{"X-A", "b"}}});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "GET /a?b=c ");
  EXPECT_EQ(send({.url = url("/large"), .most_bytes = 300'000}).body.size(), 300'000U);
  try {
    (void)send({.url = url("/large"), .most_bytes = 1000});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInputUnreadable);
    EXPECT_EQ(error.what(), url("/large") + ": the answer has more than 1000 bytes");
  }
  EXPECT_THROW((void)send({.url = url("/a b")}), std::invalid_argument);
}

TEST(HttpClient, ReadsTheLengthWhateverTheCaseOfItsName) {
  EXPECT_EQ(announced_length("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n"), 12U);
  EXPECT_EQ(announced_length("HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length:7\r\n\r\n"), 7U);
  EXPECT_EQ(announced_length("HTTP/1.1 204 No Content\r\n\r\n"), 0U);
}

}  // namespace
}  // namespace likeness::serve
