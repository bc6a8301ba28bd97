;; Wants the network.
;; @world
burglar
;; @import
(import "wasi:sockets/tcp@0.2.6" "connect" (func $connect (param i32)))
