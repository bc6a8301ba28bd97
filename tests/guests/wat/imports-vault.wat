;; Wants an interface that nobody has heard of.
;; @world
futurist
;; @import
(import "test:wild/vault" "open" (func $open))
