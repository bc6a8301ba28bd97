;; Traps deep in functions whose names are 100,000 characters long, or grow to a million when they are demangled: bombs for whoever
;; writes the backtrace.
;; @attack
(func $attack (result i32)
  (drop (call $long (i32.const 30)))
  i32.const 4096)
(func $long (@name "@long-name") (param $depth i32) (result i32)
  (if (i32.eqz (local.get $depth)) (then unreachable))
  (i32.add (i32.const 1) (call $bomb (i32.sub (local.get $depth) (i32.const 1)))))
(func $bomb (@name "@name-bomb") (param $depth i32) (result i32)
  (i32.add (i32.const 1) (call $long (local.get $depth))))
