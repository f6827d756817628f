# The jobs of sidekiq_session.rb, which its workers load.
require "sidekiq"

Sidekiq.logger.level = Logger::ERROR

class CountJob
  include Sidekiq::Worker

  def perform(name, by)
    Sidekiq.redis { |redis| redis.incrby(name, by) }
  end
end

class FailJob
  include Sidekiq::Worker
  sidekiq_options retry: 2

  def perform
    raise "on purpose"
  end
end
