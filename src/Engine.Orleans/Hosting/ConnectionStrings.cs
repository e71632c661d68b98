using System.Data.Common;
using Npgsql;

namespace CozeCluster.Engine.Orleans;

/// <summary>How nodes speak with the database, where the operator's connection string leaves it open.</summary>
public static class ConnectionStrings
{
    /// <summary>What is wrong with an operator's connection string, in words for the operator; null: nothing. It never repeats what may be a piece of a password.</summary>
    public static string? WrongWith(string connectionString)
    {
        const string Expected = "expected a connection string such as Host=localhost;Database=coze;Username=coze";
        var known = new NpgsqlConnectionStringBuilder();
        var given = new DbConnectionStringBuilder();
        try
        {
            given.ConnectionString = connectionString;
        }
        catch (ArgumentException)
        {
            return $"{Expected}; this one cannot be read. A value with signs of its own goes into quotes: Password='a;b'.";
        }
        var unknown = given.Keys.Cast<string>().Count(keyword => !known.ContainsKey(keyword));
        if (unknown > 0) return $"{Expected}; {unknown} of its keywords are not known to Npgsql.";
        foreach (string keyword in given.Keys)
        {
            try
            {
                known[keyword] = given[keyword];
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidCastException)
            {
                return $"the value of '{keyword}' is none that Npgsql takes.";
            }
        }
        return null;
    }

    /// <summary>
    /// The statements are few and always the same, so that the database need not parse and plan them each time, and nothing in a connection needs undoing before its next use.
    /// A statement takes a millisecond or two: twenty connections do more of them than one machine has use for, and four silos stay within what a database server allows by default.
    /// </summary>
    internal static string WithDefaults(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // ContainsKey says which keywords there are, not which are set.
        var given = builder.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!given.Contains("Max Auto Prepare")) builder.MaxAutoPrepare = 32;
        if (!given.Contains("No Reset On Close")) builder.NoResetOnClose = true;
        if (!given.Contains("Maximum Pool Size")) builder.MaxPoolSize = Math.Max(20, builder.MinPoolSize);
        return builder.ToString();
    }

    /// <summary>Members and reminders are few, and wait for the disk in any case.</summary>
    internal static string ForStates(OrleansEngineOptions options)
    {
        if (options.SavesWaitForDisk) return options.ConnectionString;
        var builder = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        builder.Options = $"{builder.Options} -c synchronous_commit=off".TrimStart();
        return builder.ToString();
    }
}
