-- Whether a bulk is under way, and how many there were. Each begins and ends in the common home.
return busy() or { 'quiet', redis.call('GET', key('bulks')) or '0' }
