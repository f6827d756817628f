# Sidekiq: sidekiq_session.rb <port>. Starts a process of workers, gives it jobs of all kinds, and
# prints one JSON line per step.
require "json"
require "rbconfig"

ENV["REDIS_URL"] = "redis://127.0.0.1:#{ARGV.fetch(0)}/0"
require_relative "sidekiq_jobs"
require "sidekiq/api"
require "sidekiq/scheduled"

WAIT_S = 120

def show(name, value)
  puts JSON.generate([name, value])
  $stdout.flush
end

def wait_until
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + WAIT_S
  until yield
    raise "waited for too long" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.02
  end
end

def counter(name)
  Sidekiq.redis { |redis| redis.get(name) }.to_i
end

jobs = File.join(__dir__, "sidekiq_jobs.rb")
program = Gem.bin_path("sidekiq", "sidekiq")
workers = spawn(RbConfig.ruby, program, "-r", jobs, "-c", "3", "-q", "high,2", "-q", "default",
                out: :err)
begin
  CountJob.perform_async("one", 5)
  wait_until { counter("one") == 5 }
  show("async", counter("one"))

  Sidekiq::Client.push_bulk("class" => CountJob, "args" => (1..200).map { |i| ["bulk", i] })
  wait_until { counter("bulk") == 20_100 }
  show("bulk", counter("bulk"))

  CountJob.set(queue: "high").perform_async("high", 1)
  wait_until { counter("high") == 1 }
  show("another queue", counter("high"))

  # The process itself looks every some seconds; what it would do then is done here, by its script.
  CountJob.perform_in(3600, "later", 1)
  CountJob.perform_at(Time.now.to_f + 0.01, "soon", 1)
  show("scheduled", Sidekiq::ScheduledSet.new.size)
  wait_until do
    Sidekiq::Scheduled::Enq.new.enqueue_jobs
    counter("soon") == 1
  end
  show("left", Sidekiq::ScheduledSet.new.map { |job| job.args })

  FailJob.perform_async
  wait_until { Sidekiq::RetrySet.new.size == 1 }
  failed = Sidekiq::RetrySet.new.first
  show("failed", [failed.klass, failed["error_message"], failed["retry_count"]])
  failed.kill
  show("dead", [Sidekiq::RetrySet.new.size, Sidekiq::DeadSet.new.size])

  wait_until { Sidekiq::ProcessSet.new.size == 1 }
  process = Sidekiq::ProcessSet.new.first
  show("process", [process["concurrency"], process["queues"].uniq.sort])
  wait_until { Sidekiq::Stats.new.processed >= 204 }
  show("stats", [Sidekiq::Stats.new.enqueued, Sidekiq::Stats.new.failed])
ensure
  Process.kill("TERM", workers)
  Process.wait(workers)
end
show("workers end", $?.exitstatus)
