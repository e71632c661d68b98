using System.Reflection;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Abstractions.Tests.Engine;

/// <summary>What <see cref="IGrain"/> asks of every grain interface, so that any call may cross a process.</summary>
public sealed class SeamTests
{
    private static readonly Type[] Interfaces = [.. typeof(IGrain).Assembly.GetExportedTypes().Where(type => type.IsInterface)];

    private static readonly Type[] Awaitable = [typeof(Task), typeof(Task<>), typeof(ValueTask), typeof(ValueTask<>)];

    public static TheoryData<Type, string> GrainMethods => new(Methods<IGrain>());

    public static TheoryData<Type, string> AllMethods => new(Methods<IGrain>().Concat(Methods<IObserver>()));

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void A_method_is_async_and_takes_at_most_one_cancellation_token(Type type, string name)
    {
        var method = type.GetMethod(name)!;
        var returned = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;

        Assert.Contains(returned, Awaitable);
        Assert.InRange(method.GetParameters().Count(parameter => parameter.ParameterType == typeof(CancellationToken)), 0, 1);
        Assert.DoesNotContain(method.GetParameters(), parameter => parameter.ParameterType.IsByRef);
        Assert.False(method.IsGenericMethod);
    }

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void What_a_method_takes_and_returns_can_be_written(Type type, string name)
    {
        var method = type.GetMethod(name)!;
        var carried = method.GetParameters().Select(parameter => parameter.ParameterType)
            .Concat(method.ReturnType.GenericTypeArguments)
            .Where(carried => carried != typeof(CancellationToken) && !typeof(IObserver).IsAssignableFrom(carried));

        Assert.All(carried, carried => Assert.True(
            MessagesJson.Default.GetTypeInfo(carried) is not null, $"{type.Name}.{name} carries {carried.Name}, which MessagesJson does not know."));
    }

    [Fact]
    public void Methods_of_one_interface_have_names_of_their_own() => Assert.All(
        Interfaces.Where(type => typeof(IGrain).IsAssignableFrom(type)),
        type => Assert.Equal(type.GetMethods().Length, type.GetMethods().DistinctBy(method => method.Name).Count()));

    [Fact]
    public void Observers_are_parameters_and_never_fields_of_a_message() => Assert.DoesNotContain(
        typeof(MessagesJson).Assembly.GetExportedTypes().Where(type => type.Namespace == typeof(MessagesJson).Namespace).SelectMany(type => type.GetProperties()),
        property => typeof(IObserver).IsAssignableFrom(property.PropertyType));

    [Theory]
    [MemberData(nameof(GrainMethods))]
    public void Every_method_may_be_called_again_when_its_answer_was_lost(Type type, string name) =>
        Assert.True(type.GetMethod(name)!.IsDefined(typeof(IdempotentAttribute)));

    private static IEnumerable<(Type, string)> Methods<T>() => Interfaces
        .Where(type => typeof(T).IsAssignableFrom(type) && type != typeof(T))
        .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Public).Select(method => (type, method.Name)));
}
