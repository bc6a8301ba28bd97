;; A whole module with two routes, in sections. An attack is a file with the same headings: each of its sections stands in for the one
;; here. `/fine` answers "fine"; `/attack` calls $attack, which gives the address of a response.

;; @world
wild
;; @import

;; @memory
(memory (export "memory") 32 1024)

;; @data
(data (i32.const 16) "wild") (data (i32.const 32) "0.1.0")
(data (i32.const 48) "attack") (data (i32.const 64) "/attack")
(data (i32.const 80) "fine") (data (i32.const 96) "/fine")
;; The response at 4096: its status, no headers, the body "fine".
(data (i32.const 4096) (i32 200 0 0 80 4))

;; @manifest
;; Name, version, summary, and two routes: an id, GET, a path, no summary, public, neither limit nor schemas nor answers.
(data (i32.const 1024) (i32 16 4 32 5 0 0 2048 2))
(data (i32.const 2048) (i32 80 4 0 96 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
(data (i32.const 2124) (i32 48 6 0 64 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0))

;; @describe
(func (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
  i32.const 1024)

;; @realloc
;; What the host hands over comes to lie at 65,536 and up, one after the other.
(global $next (mut i32) (i32.const 65536))
(func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $place i32)
  (local.set $place (i32.and
    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $next (i32.add (local.get $place) (local.get $size)))
  local.get $place)

;; @handle
(global $attacking (mut i32) (i32.const 0))
(func (export "boxoffice:rules/handler@0.1.0#handle")
  (param $route i32) (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param i64) (result i32)
  (if (result i32) (i32.eq (i32.load8_u (local.get $route)) (i32.load8_u (i32.const 48)))
    (then (global.set $attacking (i32.const 1)) (call $attack))
    (else (i32.const 4096))))

;; @attack
(func $attack (result i32)
  i32.const 4096)

;; @post-return

;; @more

