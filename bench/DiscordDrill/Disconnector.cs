using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>Disconnects listeners at random: usually by dropping the socket, sometimes by op 7 or op 9.</summary>
internal static class Disconnector
{
    // Percentages, each including the ones before. A session that op 9 ends must identify again, which Discord allows once in 5 s.
    private const int Drop = 70;
    private const int Reconnect = 85;

    /// <summary>Runs until it is cancelled.</summary>
    /// <returns>The number of disconnections.</returns>
    public static async Task<int> RunAsync(FakeDiscord discord, int averagePauseMs, Random random, CancellationToken cancellationToken)
    {
        var count = 0;
        try
        {
            while (averagePauseMs > 0)
            {
                await Task.Delay(random.Next(1, 2 * averagePauseMs), cancellationToken);
                var listener = DiscordSeeds.Listeners[random.Next(DiscordSeeds.Listeners.Count)].Id;
                switch (random.Next(100))
                {
                    case < Drop:
                        discord.DropSockets(userId: listener);
                        break;
                    case < Reconnect:
                        discord.RequestReconnect(listener);
                        break;
                    default:
                        discord.InvalidateSessions(resumable: false, listener);
                        break;
                }
                count++;
            }
        }
        catch (OperationCanceledException)
        {
        }
        return count;
    }
}
