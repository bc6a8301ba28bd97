;; Makes handles of a resource of its own, which the host keeps.
;; @import
(import "[export]test:wild/hoard" "[resource-new]thing" (func $thing (param i32) (result i32)))
;; @attack
(func $attack (result i32)
  (loop $more
    (drop (call $thing (i32.const 0)))
    (br $more))
  i32.const 4096)
;; @world
hoarder
