using System.Runtime.CompilerServices;

namespace CozeCluster;

/// <summary>What every engine demands of the arguments it is given, said once for all of them.</summary>
public static class EngineArguments
{
    private const int MaxKey = 100;
    private const int MaxReminderName = 50;
    private static readonly TimeSpan MinReminderPeriod = TimeSpan.FromMinutes(1);

    /// <summary>Demands a grain's key: 1 to 100 printable ASCII characters.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void CheckKey(string? key, [CallerArgumentExpression(nameof(key))] string? argument = null)
    {
        if (key is null or "" || key.Length > MaxKey || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"A grain's key has 1 to {MaxKey} printable ASCII characters.", argument);
    }

    /// <summary>Demands a reminder's name: 1 to 50 printable ASCII characters.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void CheckReminder(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MaxReminderName || name.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"A reminder's name has 1 to {MaxReminderName} printable ASCII characters.", nameof(name));
    }

    /// <summary>Demands a reminder: its name, no time to the first call below zero, and a minute or more between calls.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void CheckReminder(string name, TimeSpan due, TimeSpan period)
    {
        CheckReminder(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(due, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, MinReminderPeriod);
    }
}
