// One HTTP/1.1 request to a server on this machine, over a plain socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::support {

struct HttpReply {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};

// Fails the test if the server does not answer within half a minute.
HttpReply HttpFetch(std::uint16_t port, std::string_view path, std::string_view method = "GET");
// The same with the request's bytes at hand.
HttpReply HttpExchange(std::uint16_t port, std::string_view request);

}  // namespace tidemark::support
